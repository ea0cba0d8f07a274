#include "init/readers/libraries.h"

#include <curl/curl.h>
#include <jansson.h>
#include <microhttpd.h>

#include "config/config.h"

void libraries_print(FILE *to)
{
	fprintf(to, "%s\njansson %s\nlibconfig %s\nlibmicrohttpd %s\n", curl_version(), JANSSON_VERSION, config_library(),
		MHD_get_version());
}
