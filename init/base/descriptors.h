/* Descriptors by the range. */
#ifndef TINYSUP_INIT_BASE_DESCRIPTORS_H
#define TINYSUP_INIT_BASE_DESCRIPTORS_H

/* Close `first` and all above it. In a child only: closing what somebody passed in may block. */
void descriptors_close_from(int first);

#endif
