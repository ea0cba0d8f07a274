#include "init/child/journal_kept.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

bool journal_keep(const int kept[2], const struct journal_file *file)
{
	union control control = {0};
	struct iovec name = {(void *)(uintptr_t)file->name, sizeof file->name};
	struct msghdr message = {
	    .msg_iov = &name, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof file->lock);
	memcpy(CMSG_DATA(header), &file->lock, sizeof file->lock);
	return sendmsg(kept[0], &message, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof file->name;
}

bool journal_find_kept(const int kept[2], struct journal_file *file)
{
	union control control = {0};
	struct iovec name = {file->name, sizeof file->name};
	struct msghdr message = {
	    .msg_iov = &name, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};

	if (recvmsg(kept[1], &message, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != (ssize_t)sizeof file->name)
		return false;
	const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	if (header == NULL || header->cmsg_type != SCM_RIGHTS)
		return false;
	memcpy(&file->lock, CMSG_DATA(header), sizeof file->lock);
	file->name[sizeof file->name - 1] = '\0';
	return true;
}
