#include "train/rule_actions.h"

#include "mml/nn.h"

#include <string.h>

void mml_rule_log_clear(MmlRuleLog *log) {
    log->action_count = log->said_count = 0;
    log->finish = log->failure = NULL;
}

int mml_rule_log_any(const MmlRuleLog *log) {
    return log->action_count || log->said_count || log->finish || log->failure;
}

static void note(MmlRuleLog *log, const char ***list, i64 *count, i64 *room, const char *text) {
    const char **larger = MML_GROW(log->arena, *list, *count, room, 8);
    if (!larger) return;
    *list = larger;
    (*list)[(*count)++] = text;
}

static void note_action(MmlRuleLog *log, const char *text) {
    if (text) note(log, &log->actions, &log->action_count, &log->action_room, text);
}

static void set_active(MmlRuleContext *context, i64 modality, i64 value, const char *verb) {
    MmlRuleLog *log = context->log;
    if (modality < 0 || modality >= context->modalities) return;
    context->active[modality] = value;
    note_action(log, mml_arena_format(log->arena, "%s(%s)", verb, log->modalities[modality].name));
}

void mml_rule_only(MmlRuleContext *context, i64 mask) {
    MmlRuleLog *log = context->log;
    const char *names = "";
    for (i64 m = 0; m < context->modalities; m++) {
        context->active[m] = mask >> m & 1;
        if (!context->active[m]) continue;
        names = mml_arena_format(log->arena, "%s%s%s", names, *names ? ", " : "", log->modalities[m].name);
        if (!names) return;
    }
    note_action(log, mml_arena_format(log->arena, "only(%s)", names));
}

void mml_rule_all(MmlRuleContext *context) {
    for (i64 m = 0; m < context->modalities; m++) context->active[m] = 1;
    note_action(context->log, "all()");
}

void mml_rule_pause(MmlRuleContext *context, i64 modality)  { set_active(context, modality, 0, "pause"); }
void mml_rule_resume(MmlRuleContext *context, i64 modality) { set_active(context, modality, 1, "resume"); }

/* A handler runs to its end after finish, so a second finish may come; the first one's reason counts. */
void mml_rule_finish(MmlRuleContext *context, const char *reason) {
    MmlRuleLog *log = context->log;
    if (!log->finish) log->finish = reason ? reason : "";
}

void mml_rule_say(MmlRuleContext *context, const char *text) {
    MmlRuleLog *log = context->log;
    note(log, &log->said, &log->said_count, &log->said_room, text ? text : "");
}

/* The failure of what runs outside of handlers; threads of one process may each run an experiment. */
static _Thread_local const char *failure_outside;

const char *mml_rule_failure(void) {
    const char *failure = failure_outside;
    failure_outside = NULL;
    return failure;
}

void mml_rule_fail(MmlRuleContext *context, const char *what) {
    if (!context) {
        if (!failure_outside) failure_outside = what ? what : "";
        return;
    }
    MmlRuleLog *log = context->log;
    if (!log->failure) log->failure = what ? what : "";
}
