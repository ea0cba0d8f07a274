#include "probes/clock.h"

#include <limits.h>
#include <string.h>
#include <time.h>

int64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_deadline(msec_t timeout)
{
	if (timeout > INT_MAX)
		timeout = INT_MAX;
	return clock_us() + (timeout > 0 ? timeout * 1000 : 0);
}

msec_t clock_left(int64_t deadline_us)
{
	int64_t left = deadline_us - clock_us();

	if (left <= 0)
		return 0;
	left = (left + 999) / 1000;
	return left < INT_MAX ? left : INT_MAX;
}

double clock_unix(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Exactly `count` digits, a number up to `high`, followed by `then` (0: anything). */
static bool parse_digits(const char **at, int count, int high, char then, int *out)
{
	int value = 0;

	for (int i = 0; i < count; i++, (*at)++) {
		if (**at < '0' || **at > '9')
			return false;
		value = value * 10 + (**at - '0');
	}
	if (value > high || (then && *(*at)++ != then))
		return false;
	*out = value;
	return true;
}

static bool parse_fraction(const char **at, double *out)
{
	double scale = 0.1;

	*out = 0;
	if (**at != '.')
		return true;
	for ((*at)++; **at >= '0' && **at <= '9'; (*at)++, scale /= 10)
		*out += scale * (**at - '0');
	return scale < 0.1;
}

static bool parse_offset(const char **at, int *seconds)
{
	char sign = *(*at)++;
	int hours, minutes;

	*seconds = 0;
	if (sign == 'Z' || sign == 'z')
		return true;
	if (sign != '+' && sign != '-')
		return false;
	if (!parse_digits(at, 2, 23, ':', &hours) || !parse_digits(at, 2, 59, 0, &minutes))
		return false;
	*seconds = (hours * 60 + minutes) * (sign == '-' ? -60 : 60);
	return true;
}

static int month_days(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

bool clock_rfc3339(const char *text, double *unix_seconds)
{
	struct tm tm = {0};
	int year, month, day, offset;
	double fraction;

	if (!parse_digits(&text, 4, 9999, '-', &year) || !parse_digits(&text, 2, 12, '-', &month) ||
	    !parse_digits(&text, 2, 31, 0, &day))
		return false;
	if (month == 0 || day == 0 || day > month_days(year, month))
		return false;
	if (*text != 'T' && *text != 't' && *text != ' ')
		return false;
	text++;
	if (!parse_digits(&text, 2, 23, ':', &tm.tm_hour) || !parse_digits(&text, 2, 59, ':', &tm.tm_min) ||
	    !parse_digits(&text, 2, 60, 0, &tm.tm_sec))
		return false;
	if (!parse_fraction(&text, &fraction) || !parse_offset(&text, &offset) || *text)
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	*unix_seconds = (double)timegm(&tm) - offset + fraction;
	return true;
}

bool clock_http_date(const char *text, double *unix_seconds)
{
	static const char *const formats[] = {
	    "%a, %d %b %Y %H:%M:%S GMT",
	    "%A, %d-%b-%y %H:%M:%S GMT",
	    "%a %b %e %H:%M:%S %Y",
	};

	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
		struct tm tm = {0};
		const char *end = strptime(text, formats[i], &tm);
		if (end && !*end) {
			*unix_seconds = (double)timegm(&tm);
			return true;
		}
	}
	return false;
}
