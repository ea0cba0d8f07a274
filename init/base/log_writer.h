/* The process that writes the log to a stderr that may block: see writer.h. */
#ifndef TINYSUP_INIT_BASE_LOG_WRITER_H
#define TINYSUP_INIT_BASE_LOG_WRITER_H

#include <sys/types.h>

/* A writer_body. */
_Noreturn void log_write_on(const void *context, int out, pid_t parent);

#endif
