#include "config/platform.h"

#include <stdlib.h>

msec_t platform_grace(const char **name)
{
	static const struct {
		const char *variable, *name;
		msec_t grace;
	} platforms[] = {
	    {"CONTAINER_APP_NAME", "Azure Container Apps", 30000},
	    {"ECS_CONTAINER_METADATA_URI_V4", "ECS", 30000},
	    {"FLY_APP_NAME", "Fly", 5000},
	    {"KUBERNETES_SERVICE_HOST", "Kubernetes", 30000},
	};

	for (size_t i = 0; i < sizeof platforms / sizeof *platforms; i++) {
		if (getenv(platforms[i].variable) != NULL) {
			*name = platforms[i].name;
			return platforms[i].grace;
		}
	}
	*name = NULL;
	return MSEC_UNSET;
}

msec_t platform_effective(msec_t deadline, msec_t grace)
{
	if (grace == MSEC_UNSET)
		return deadline;
	msec_t margin = grace / 10 > 2000 ? grace / 10 : 2000;
	return deadline < grace - margin ? deadline : grace - margin;
}
