/* Which events are news for notify_on. */
#include "config/names.h"
#include "init/supervisor_private.h"

/* That it is held is told by a chain of its own. */
void supervisor_tell(struct supervisor *s, const struct action *action)
{
	const struct seq *seq = &s->seq;
	enum step_state state = (enum step_state)action->code;
	const struct plan_step *step;

	switch ((int)action->kind) {
	case ACTION_STEP_ENDED:
		step = seq_step_at(seq, action->step);
		if (step->kind != STEP_ALERT && plan_state_failed(state))
			announce(&s->announcer, NOTICE_STEP_FAILED, step->name, s->why[action->step]);
		break;
	case ACTION_RESTART_IN:
		announce(&s->announcer, NOTICE_RESTART, name_of(&names_reasons, seq->cause), NULL);
		break;
	case ACTION_REFUSED:
		announce(&s->announcer, NOTICE_START_REFUSED, seq->reason == REASON_RECOVERY ? "recovery" : "start.chain",
			 "failed");
		break;
	case ACTION_CLOSE:
		if (seq->reason == REASON_STOP || (seq->reason == REASON_EXIT && seq->exec_errno == 0))
			announce(&s->announcer, NOTICE_STOP, NULL, NULL);
		break;
	default:
		break;
	}
}

static bool has_crashed(const struct seq *seq)
{
	enum reason reason = seq->reason == REASON_RESTART ? seq->cause : seq->reason;

	return reason == REASON_CRASH || seq->exec_errno != 0;
}

void supervisor_tell_end(struct supervisor *s)
{
	char app[48];

	if (has_crashed(&s->seq))
		announce(&s->announcer, NOTICE_CRASH, step_facts_app_text(&s->seq, app), NULL);
}

/* That an app is not ready yet is no news. */
void supervisor_tell_verdict(struct supervisor *s, enum probe_kind kind)
{
	const char *why;
	unsigned bit = 1u << kind;

	if (!prober_healthy(&s->health.prober, kind, &why)) {
		if (kind == PROBE_READINESS && (s->well & bit) == 0)
			return;
		s->unwell |= bit;
		announce(&s->announcer, NOTICE_UNHEALTHY, name_of(&names_probes, kind), why);
		return;
	}
	if ((s->unwell & bit) != 0)
		announce(&s->announcer, NOTICE_RECOVERED, name_of(&names_probes, kind), NULL);
	s->unwell &= ~bit;
	s->well |= bit;
}
