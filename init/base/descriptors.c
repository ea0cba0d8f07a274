#include "init/base/descriptors.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Without close_range(): close at most this many descriptors. */
#define DESCRIPTORS_MAX 65536

void descriptors_close_from(int first)
{
#ifdef SYS_close_range
	if (syscall(SYS_close_range, (unsigned)first, ~0U, 0) == 0)
		return;
#endif
	struct rlimit limit;
	rlim_t last = DESCRIPTORS_MAX;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < last)
		last = limit.rlim_cur;
	for (int fd = first; fd < (int)last; fd++)
		close(fd);
}
