/*
 * After the seal, process 1 allocates nothing and does not exit because of an error. A build with TINYSUP_SEAL (make seal)
 * checks the first half: malloc() aborts in the process that called seal(), but not in its children.
 */
#ifndef TINYSUP_INIT_BASE_SEAL_H
#define TINYSUP_INIT_BASE_SEAL_H

#ifdef TINYSUP_SEAL
void seal(void);
#else
static inline void seal(void)
{
}
#endif

#endif
