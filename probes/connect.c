#include "probes/connect.h"

#include "probes/failure.h"

CURL *connect_new(msec_t left, struct check_result *result)
{
	CURL *easy = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_easy_init() : NULL;
	int failed = 0;

	if (easy) {
		failed |= (int)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
		failed |= (int)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)left);
		failed |= (int)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)left);
		/* the static libcurl knows neither: it has no proxies, and c-ares instead of a thread that outlives its time */
		curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
		curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	}
	if (easy && !failed)
		return easy;
	curl_easy_cleanup(easy);
	result_error(result, "cannot initialise libcurl");
	return NULL;
}

const char *connect_stage(CURL *easy)
{
	curl_off_t looked_up = 0;
	long port = 0;

	/* known once TCP is connected; CURLINFO_CONNECT_TIME_T only after the handshake (7.88) */
	curl_easy_getinfo(easy, CURLINFO_LOCAL_PORT, &port);
	curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME_T, &looked_up);
	if (port > 0)
		return "connected, TLS handshake";
	return looked_up ? "connecting" : "resolving the host name";
}

bool connect_failed(CURL *easy, CURLcode code, struct check_result *result)
{
	long error = 0;

	if (code == CURLE_COULDNT_RESOLVE_HOST) {
		result_fail(result, FAILURE_CONNECT, "connect: cannot resolve the host name");
		return true;
	}
	if (code != CURLE_COULDNT_CONNECT)
		return false;
	curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
	failure_connect(result, (int)error);
	return true;
}
