/* What policies and methods do: the actions that compiled handlers call.
 *
 * A handler's MmlRuleContext.log points to an MmlRuleLog. The actions change
 * the context's active set and note here what was done, for the screen and
 * for probes.jsonl.
 */
#ifndef TRAIN_RULE_ACTIONS_H
#define TRAIN_RULE_ACTIONS_H

#include "mml/experiment.h"

typedef struct {
    MmlArena           *arena;
    const MmlModality  *modalities;      /* for names                                  */
    const char        **actions;         /* "only(color)", in order                    */
    const char        **said;
    i64                 action_count, said_count, action_room, said_room;
    const char         *finish;          /* reason of the first finish, or NULL        */
    const char         *failure;         /* the first rule_fail, or NULL               */
} MmlRuleLog;

/* Forgets what was noted; arena and modalities stay. */
void mml_rule_log_clear(MmlRuleLog *log);

/* 1: anything was done, said or failed. */
int mml_rule_log_any(const MmlRuleLog *log);

/* Compiled settings and the numbers of a compiled loss fail without a context:
 * what the first one said since the last call, or NULL. */
const char *mml_rule_failure(void);

#endif
