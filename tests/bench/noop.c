/* The smallest program there is: what is measured is whoever starts it. */
int main(void)
{
	return 0;
}
