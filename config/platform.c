#include "config/platform.h"

#include <stddef.h>

/* The first one counts. Several run on Kubernetes, whose own row comes after theirs; Knative sets K_SERVICE there, too. */
static const struct platform platforms[] = {
    {"CONTAINER_APP_NAME", "Azure Container Apps", 30000, "terminationGracePeriodSeconds", NULL},
    {"ECS_CONTAINER_METADATA_URI_V4", "ECS", 30000, "stopTimeout", NULL},
    {"FLY_APP_NAME", "Fly", 5000, "kill_timeout", NULL},
    {"NOMAD_ALLOC_ID", "Nomad", 5000, "kill_timeout", NULL},
    {"RAILWAY_ENVIRONMENT_ID", "Railway", 0, "RAILWAY_DEPLOYMENT_DRAINING_SECONDS", "RAILWAY_DEPLOYMENT_DRAINING_SECONDS"},
    {"RENDER", "Render", 30000, "maxShutdownDelaySeconds", NULL},
    {"DYNO", "Heroku", 30000, NULL, NULL},
    {"KUBERNETES_SERVICE_HOST", "Kubernetes", 30000, "terminationGracePeriodSeconds", NULL},
    {"K_SERVICE", "Cloud Run", 10000, NULL, NULL},
    {"CLOUD_RUN_JOB", "Cloud Run", 10000, NULL, NULL},
    {"CLOUD_RUN_WORKER_POOL", "Cloud Run", 10000, NULL, NULL},
};

#define SECONDS_MOST 97200 /* as for shutdown.platform_grace: what a deadline of 24 h needs */

/* A whole number of seconds; anything else: `otherwise`. */
static msec_t read_seconds(const char *text, msec_t otherwise)
{
	msec_t seconds = 0;

	if (text == NULL || *text == '\0')
		return otherwise;
	for (; *text >= '0' && *text <= '9' && seconds <= SECONDS_MOST; text++)
		seconds = seconds * 10 + (*text - '0');
	if (seconds > SECONDS_MOST)
		seconds = SECONDS_MOST;
	else if (*text != '\0')
		return otherwise;
	return seconds * 1000;
}

const struct platform *platform_find(char *(*look)(const char *), msec_t *grace)
{
	for (size_t i = 0; i < sizeof platforms / sizeof *platforms; i++) {
		const struct platform *platform = &platforms[i];
		if (look(platform->variable) == NULL)
			continue;
		*grace = platform->grace;
		if (platform->seconds != NULL)
			*grace = read_seconds(look(platform->seconds), platform->grace);
		return platform;
	}
	*grace = MSEC_UNSET;
	return NULL;
}

msec_t platform_effective(msec_t deadline, msec_t grace)
{
	if (grace == MSEC_UNSET)
		return deadline;
	msec_t margin = grace / 10 > 2000 ? grace / 10 : 2000;
	return deadline < grace - margin ? deadline : grace - margin;
}

msec_t platform_needed(msec_t deadline)
{
	msec_t tenth = (deadline * 10 + 8) / 9; /* of which a tenth is the margin */
	msec_t grace = deadline + 2000 > tenth ? deadline + 2000 : tenth;

	return (grace + 999) / 1000 * 1000;
}
