/* The smallest program there is: what is measured is whoever starts it. */
#ifdef NO_LIBC
/* Where there is no musl: the C library's own start would be most of the time. */
_Noreturn void _start(void);

_Noreturn void _start(void)
{
	for (;;) {
#if defined(__x86_64__)
		__asm__ volatile("syscall" ::"a"(231), "D"(0) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
		register long number __asm__("x8") = 94, code __asm__("x0") = 0;
		__asm__ volatile("svc 0" ::"r"(number), "r"(code) : "memory");
#else
#error "exit_group() of this architecture is missing here: install musl-tools"
#endif
	}
}
#else
int main(void)
{
	return 0;
}
#endif
