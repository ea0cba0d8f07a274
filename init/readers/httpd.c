#include "init/readers/httpd.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "init/readers/http_reply.h"
#include "init/base/signals.h"
#include "probes/clock.h"

#define CONNECTIONS_MAX 64
#define CONNECTION_POOL 8192 /* bytes for the headers of a request and its response; longer ones get 431 or 414 */
#define BODY_MAX        4096 /* bodies are ignored */

/*
 * From the first byte or the previous response to the end of the response; libmicrohttpd's own timeout restarts with each byte.
 */
#define REQUEST_TIME   ((msec_t)5000)
#define ACCEPTS_A_TURN 256
/* pause in accepting if there are no descriptors */
#define NO_DESCRIPTOR_PAUSE ((msec_t)100)

struct connection {
	int fd; /* -1: a free place */
	msec_t since;
	bool closing;
};

struct server {
	int fd, epoll_fd;
	struct MHD_Daemon *daemon;
	struct known known;
	msec_t sample_at; /* of the checks; INT64_MAX: there are none */
	size_t count;
	struct connection connections[CONNECTIONS_MAX];
	msec_t accept_again; /* 0: at any time */
};

/* What a request is about to be answered with; lives from its head to its end. */
struct request {
	size_t body;
};

/* --- connections: who may stay ---------------------------------------------------------------------------------------- */

/* The library treats a socket that was shut down as closed by its client. */
static void end(struct connection *connection)
{
	connection->closing = true;
	shutdown(connection->fd, SHUT_RDWR);
}

static struct connection *oldest(struct server *server)
{
	struct connection *found = NULL;

	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *connection = &server->connections[i];
		if (connection->fd >= 0 && !connection->closing && (found == NULL || connection->since < found->since))
			found = connection;
	}
	return found;
}

/* Closes the connection that has been idle longest. */
static void make_room(struct server *server)
{
	struct connection *connection = oldest(server);

	if (connection != NULL)
		end(connection);
	MHD_run(server->daemon);
}

static void end_overdue(struct server *server, msec_t now)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *connection = &server->connections[i];
		if (connection->fd >= 0 && !connection->closing && now - connection->since >= REQUEST_TIME)
			end(connection);
	}
}

static void on_started(struct server *server, struct MHD_Connection *mhd, void **place)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);

	for (size_t i = 0; info != NULL && i < CONNECTIONS_MAX; i++) {
		struct connection *connection = &server->connections[i];
		if (connection->fd >= 0)
			continue;
		*connection = (struct connection){.fd = info->connect_fd, .since = clock_now()};
		*place = connection;
		server->count++;
		return;
	}
}

static void on_connection(void *context, struct MHD_Connection *mhd, void **place, enum MHD_ConnectionNotificationCode code)
{
	struct server *server = context;
	struct connection *connection = *place;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		on_started(server, mhd, place);
	} else if (connection != NULL) {
		connection->fd = -1;
		server->count--;
		*place = NULL;
	}
}

/* --- requests ------------------------------------------------------------------------------------------------------------- */

/* Restarts the timeout for the next request. */
static void on_completed(void *context, struct MHD_Connection *mhd, void **state, enum MHD_RequestTerminationCode code)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	(void)context;
	(void)code;
	free(*state);
	*state = NULL;
	if (info != NULL && info->socket_context != NULL)
		((struct connection *)info->socket_context)->since = clock_now();
}

static enum MHD_Result send_reply(struct MHD_Connection *mhd, const struct reply *reply)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(reply->length, reply->body, MHD_RESPMEM_MUST_FREE);

	if (response == NULL) {
		free(reply->body);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	if (reply->policy != NULL) {
		MHD_add_response_header(response, "Content-Security-Policy", reply->policy);
		MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	}
	if (reply->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	enum MHD_Result result = MHD_queue_response(mhd, reply->status, response);
	MHD_destroy_response(response);
	return result;
}

/* The request target may be an absolute URL (RFC 9112, 3.2.2). */
static const char *path_of(const char *url)
{
	if (strncasecmp(url, "http://", 7) != 0)
		return url;
	const char *path = strchr(url + 7, '/');
	return path != NULL ? path : "/";
}

static enum MHD_Result reply_now(struct server *server, struct MHD_Connection *mhd, const char *path, const char *method)
{
	const char *accept = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	const char *format = MHD_lookup_connection_value(mhd, MHD_GET_ARGUMENT_KIND, "format");
	const char verbose[] = "verbose";
	struct query query = {
	    .path = path_of(path),
	    .method_known = strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0,
	    .verbose =
		MHD_lookup_connection_value_n(mhd, MHD_GET_ARGUMENT_KIND, verbose, sizeof verbose - 1, NULL, NULL) == MHD_YES,
	    .json = (format != NULL && strcmp(format, "json") == 0) ||
		    (accept != NULL && strcasestr(accept, TYPE_HEALTH_JSON) != NULL),
	};
	struct reply reply;

	if (!http_reply_make(&query, &server->known, clock_now(), &reply))
		return MHD_NO;
	return send_reply(mhd, &reply);
}

/*
 * The library calls this when a request's head is there, for each piece of its body, and at its end. What is answered at the
 * first call, as a wrong method is, has its body left unread and its connection closed.
 */
static enum MHD_Result on_request(void *context, struct MHD_Connection *mhd, const char *url, const char *method,
				  const char *version, const char *upload, size_t *upload_size, void **state)
{
	struct request *request = *state;

	(void)version;
	(void)upload;
	if (request == NULL) {
		*state = calloc(1, sizeof *request);
		bool reads_on = strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
		if (*state == NULL || reads_on)
			return *state != NULL ? MHD_YES : MHD_NO;
	} else if (*upload_size > 0) {
		request->body += *upload_size;
		*upload_size = 0;
		return request->body <= BODY_MAX ? MHD_YES : MHD_NO;
	}
	return reply_now(context, mhd, url, method);
}

/* --- the loop ------------------------------------------------------------------------------------------------------------- */

static void not_accepted(struct server *server, int error)
{
	if (error == EBADF || error == EINVAL || error == ENOTSOCK)
		_exit(EXIT_FAILURE);
	if (error != EMFILE && error != ENFILE && error != ENOBUFS && error != ENOMEM)
		return;
	server->accept_again = clock_now() + (server->count > 0 ? 1 : NO_DESCRIPTOR_PAUSE);
	make_room(server);
}

static void accept_one(struct server *server)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof address;
	int fd = accept4(server->fd, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0) {
		not_accepted(server, errno);
		return;
	}
	if (server->count == CONNECTIONS_MAX)
		make_room(server);
	if (server->count == CONNECTIONS_MAX)
		close(fd);
	else
		MHD_add_connection(server->daemon, fd, (struct sockaddr *)&address, length);
}

/* Who waits behind a crowd that says nothing must not wait for as many turns as there are heads. */
static void accept_some(struct server *server)
{
	struct pollfd waiting = {.fd = server->fd, .events = POLLIN};
	int count = 0;

	/* poll first: without descriptors, accept4() fails even if no connection is waiting */
	do
		accept_one(server);
	while (++count < ACCEPTS_A_TURN && server->accept_again == 0 && poll(&waiting, 1, 0) == 1);
}

/* Time until something is due. */
static int quiet_time(const struct server *server, msec_t now)
{
	MHD_UNSIGNED_LONG_LONG library;
	msec_t left = INT64_MAX;

	if (MHD_get_timeout(server->daemon, &library) == MHD_YES)
		left = (msec_t)library;
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		const struct connection *connection = &server->connections[i];
		if (connection->fd >= 0 && !connection->closing && connection->since + REQUEST_TIME - now < left)
			left = connection->since + REQUEST_TIME - now;
	}
	if (server->accept_again > 0 && server->accept_again - now < left)
		left = server->accept_again - now;
	if (server->sample_at - now < left)
		left = server->sample_at - now;
	return left > INT64_MAX / 2 ? -1 : left < 0 ? 0 : left > HOUR_BUCKET ? (int)HOUR_BUCKET : (int)left;
}

static void wait_for_work(struct server *server)
{
	msec_t now = clock_now();
	struct pollfd polled[] = {
	    {.fd = server->epoll_fd, .events = POLLIN},
	    {.fd = server->accept_again > now ? -1 : server->fd, .events = POLLIN},
	};

	if (server->accept_again <= now)
		server->accept_again = 0;
	poll(polled, 2, quiet_time(server, now));
	if (polled[1].revents & POLLIN)
		accept_some(server);
}

static void start(struct server *server)
{
	server->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, on_request, server,
					  MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
					  (size_t)CONNECTION_POOL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
					  MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
	if (server->daemon == NULL)
		_exit(EXIT_FAILURE);
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL || info->epoll_fd < 0)
		_exit(EXIT_FAILURE);
	server->epoll_fd = info->epoll_fd;
}

/* What the page for people tells of the last hour. */
static void sample(struct server *server, msec_t now)
{
	if (now >= server->sample_at)
		server->sample_at = http_reply_sample(&server->known, now) ? hour_due(now) : INT64_MAX;
}

_Noreturn void httpd_run(int listen_fd, const struct page *page, const struct plan *plan)
{
	static struct server server;
	struct signals_inherited before;

	server.fd = listen_fd;
	server.known.page = page;
	server.known.plan = plan;
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		server.connections[i].fd = -1;
	signals_block(&before); /* none of the 64 ends it; errors of its own do all the same */
	start(&server);
	for (;;) {
		sample(&server, clock_now());
		wait_for_work(&server);
		MHD_run(server.daemon);
		end_overdue(&server, clock_now());
	}
}
