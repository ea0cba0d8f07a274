/* Closes ranges of descriptors. */
#ifndef TINYSUP_INIT_BASE_DESCRIPTORS_H
#define TINYSUP_INIT_BASE_DESCRIPTORS_H

/* Closes `first` and all above. For children only: closing a descriptor passed in by others may block. */
void descriptors_close_from(int first);

#endif
