/*
 * sd_notify(3) for the app: an abstract datagram socket, named in NOTIFY_SOCKET. Messages from processes other than the app,
 * its descendants and its process group are dropped.
 */
#ifndef TINYSUP_INIT_CHILD_NOTIFY_H
#define TINYSUP_INIT_CHILD_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "config/plan.h"
#include "init/machine/service.h"
#include "init/base/signals.h"

#define NOTIFY_STATUS 200 /* STATUS= is cut to this, its NUL included */

/* One message. Unused fields (MAINPID, ERRNO, FDSTORE, BARRIER ...) are ignored. */
struct notify_message {
	bool ready, stopping, reloading;
	bool watchdog, watchdog_trigger;
	msec_t watchdog_every; /* WATCHDOG_USEC; MSEC_UNSET: not given */
	msec_t extend;         /* EXTEND_TIMEOUT_USEC; MSEC_UNSET: not given */
	bool has_status;
	char status[NOTIFY_STATUS];
};

/* Fills in the whole message; malformed fields count as not given. */
void notify_parse(const char *text, size_t length, struct notify_message *message);

/* What the relay passes on. Smaller than PIPE_BUF, so writes are atomic. */
struct notify_record {
	pid_t app; /* the app at that time: messages of an earlier one are ignored */
	pid_t sender;
	bool refused; /* too long, or not the app's: the message is empty */
	struct notify_message message;
};

/*
 * A relay process reads the socket, because closing passed descriptors may block (SO_LINGER, FUSE) and identifying the sender
 * takes time that the sender controls. Process 1 reads records.
 */
struct notify {
	int socket;       /* -1: none. Process 1 keeps it open between relays */
	int in, out;      /* the records' pipe */
	char address[16]; /* "@00042", as NOTIFY_SOCKET has it */
	struct service relay;
	bool refusal_logged; /* a refused message was logged */
};

/* Before the seal. False with errno set on failure. */
bool notify_open(struct notify *notify);

/* In the child, before exec. */
void notify_environment(const struct notify *notify, const struct plan_app *plan);

/* A new app: replaces the relay. */
void notify_app_started(struct notify *notify);

/* Starts a relay if one is due. */
void notify_tick(struct notify *notify, const struct signals_inherited *signals, pid_t app, pid_t group, msec_t now);

/*
 * Next message; false if there is none. Messages that are not the app's are empty. The relay closes the descriptor of a
 * barrier, so its sender continues.
 */
bool notify_receive(struct notify *notify, pid_t app, struct notify_message *message);

#endif
