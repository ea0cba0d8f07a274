/*
 * The seal: after it process 1 allocates nothing and does not die of an error. A build with TINYSUP_SEAL (make seal) checks the
 * first half: its malloc() aborts once the seal is set, in the process that set it and in no child of it.
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
