#include "driver/repl_train.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/repl_evaluate.h"
#include "driver/repl_pid.h"
#include "driver/repl_say.h"
#include "mml/session.h"

typedef struct { char *name; MmlSnapshot *snapshot; } SavedState;

/* The experiment that is being trained. Rules that were bound stay: states may go back to them. */
static struct {
    MmlSession *session;
    Compiled    program;
    char       *text;                 /* of the experiment without its policies                 */
    char       *own_policy;           /* text of the policy that its stages name; "" : library's */
    int         exchanged;            /* a policy was given by hand                             */
    Compiled   *rules;
    int         rule_count;
    SavedState      *states;
    int         state_count;
} training;

void training_free(void) {
    mml_session_free(training.session);
    for (int i = 0; i < training.state_count; i++) {
        mml_snapshot_free(training.states[i].snapshot);
        free(training.states[i].name);
    }
    for (int i = 0; i < training.rule_count; i++) compiled_free(&training.rules[i]);
    if (training.program.jit) compiled_free(&training.program);
    free(training.rules);
    free(training.states);
    free(training.text);
    free(training.own_policy);
    memset(&training, 0, sizeof training);
}

static char *duplicate(const char *text) {
    char *copy = strdup(text);
    if (!copy) arena_exhausted(strlen(text));
    return copy;
}

/* ---- States ---- */

static SavedState *state_named(const char *name) {
    for (int i = 0; i < training.state_count; i++)
        if (!strcmp(training.states[i].name, name)) return &training.states[i];
    return NULL;
}

static Status keep_state(const char *name) {
    MmlSnapshot *snapshot;
    MML_TRY(mml_session_keep(training.session, &snapshot));
    SavedState *state = state_named(name);
    if (!state) {
        SavedState *larger = realloc(training.states, sizeof *larger * (size_t)(training.state_count + 1));
        if (!larger) arena_exhausted(sizeof *larger);
        training.states = larger;
        state = &larger[training.state_count++];
        *state = (SavedState){.name = duplicate(name)};
    }
    mml_snapshot_free(state->snapshot);
    state->snapshot = snapshot;
    return MML_OK;
}

/* ---- The experiment ---- */

static const char *own_policy_text(Question *question) {
    const Expr *policy = session_stage_policy(question);
    if (policy && policy->kind == EXPR_CALL) policy = policy->base;
    const char *text = policy && policy->kind == EXPR_NAME ? session_definition_text(question, policy->name) : NULL;
    return text ? text : "";
}

static int open_training(Question *question, const char *text) {
    const Options *options = session_options(question->session);
    Program *program = session_program(question);
    if (!program || !session_compile(question, program, 1, &training.program)) return 0;
    char **argv = NEW_ARRAY(question->arena, char *, options->rest_count + 2);
    argv[0] = (char *)training.program.experiment->name;
    for (int i = 0; i < options->rest_count; i++) argv[i + 1] = options->rest[i];
    Status status = mml_session_new(training.program.experiment, options->rest_count + 1, argv, &training.session);
    if (status == MML_OK) status = keep_state("start");
    if (status != MML_OK) {
        failed_with("");
        training_free();
        return 0;
    }
    training.text = duplicate(text);
    training.own_policy = duplicate(own_policy_text(question));
    return 1;
}

/* The loaded experiment, ready to be trained; 0 after an error. */
static int ready(Question *question, const Expr *call) {
    if (!session_has_experiment(question->session)) {
        wrong(question, call, "no experiment is loaded: start with `mmlc repl FILE.mml`, or `:load FILE.mml`");
        return 0;
    }
    const char *text = session_experiment_text(question);
    if (training.session && !strcmp(text, training.text)) return 1;
    if (training.session) printf("the experiment is another one now: training starts over\n");
    training_free();
    return open_training(question, text);
}

static int exchange_policy(Question *question, const Expr *policy) {
    Compiled compiled;
    if (!is_policy(question, policy)) return wrong(question, policy, "this is not a policy; `NAME(…)` of one that is defined or in the library").kind;
    Program *program = session_bound(question, &(Binding){.policy = policy});
    if (!program || !session_compile(question, program, 0, &compiled)) return 0;
    if (mml_session_policy(training.session, compiled.experiment, &compiled.settings) != MML_OK) {
        failed_with("");
        compiled_free(&compiled);
        return 0;
    }
    Compiled *larger = realloc(training.rules, sizeof *larger * (size_t)(training.rule_count + 1));
    if (!larger) arena_exhausted(sizeof *larger);
    training.rules = larger;
    training.rules[training.rule_count++] = compiled;
    return 1;
}

/* The policy given, or the stages' own where its definition has been replaced. */
static int choose_policy(Question *question, const Expr *given) {
    if (given) {
        training.exchanged = 1;
        return exchange_policy(question, given);
    }
    const char *own = own_policy_text(question);
    if (training.exchanged || !strcmp(own, training.own_policy)) return 1;
    if (!exchange_policy(question, session_stage_policy(question))) return 0;
    free(training.own_policy);
    training.own_policy = duplicate(own);
    return 1;
}

/* ---- The functions ---- */

static Answer run_training(i64 epochs, i64 batches) {
    Status status = mml_session_train(training.session, epochs, batches);
    if (status != MML_OK && status != MML_EINTERRUPT) return failed_with("");
    if (status == MML_EINTERRUPT) printf("stopped: ");
    printf("%s\n", mml_session_place(training.session));
    return (Answer){0};
}

Answer train_call(Question *question, const Expr *call) {
    static const char *const names[] = {"epochs", NULL};
    if (!check_arguments(question, call, "train", 0, 1, names)) return (Answer){0};
    const Expr *limit = named_argument(call, "epochs");
    i64 epochs = limit ? count_argument(question, limit, "train", "epochs") : 0;
    if ((limit && !epochs) || !ready(question, call) || !choose_policy(question, positional(call, 0))) return (Answer){0};
    return run_training(epochs, 0);
}

Answer step_call(Question *question, const Expr *call) {
    if (!check_arguments(question, call, "step", 0, 1, NULL)) return (Answer){0};
    const Expr *given = positional(call, 0);
    i64 batches = given ? count_argument(question, given, "step", "how many batches") : 1;
    if (!batches || !ready(question, call) || !choose_policy(question, NULL)) return (Answer){0};
    return run_training(0, batches);
}

Answer probe_call(Question *question, const Expr *call) {
    MmlProbeResult measured;
    const char *names[MML_PID_SOURCES];
    if (!check_arguments(question, call, "probe", 0, 0, NULL) || !ready(question, call)) return (Answer){0};
    if (mml_session_probe(training.session, &measured) != MML_OK) return failed_with("");
    int sources = (int)training.program.experiment->modality_count;
    for (int m = 0; m < sources; m++) names[m] = arena_copy(question->arena, training.program.experiment->modalities[m].name, strlen(training.program.experiment->modalities[m].name));
    Answer result = pid_result(&measured.pid, names, sources);
    result.type = "probe";
    result.pid.synergy = measured.synergy;
    result.synergy_error = measured.synergy_error;
    return result;
}

/* A name for memory, a text for a file; NULL after an error. */
static const char *state_argument(Question *question, const Expr *call, const char *function, int *is_file) {
    if (!check_arguments(question, call, function, 1, 1, NULL)) return NULL;
    const Expr *given = positional(call, 0);
    *is_file = given->kind == EXPR_STRING;
    if (given->kind == EXPR_NAME) return given->name;
    const char *path = text_argument(question, given, function, "a name, or a file");
    if (path && !*path) return wrong(question, given, "the file's name is empty").kind ? path : NULL;
    return path;
}

Answer save_call(Question *question, const Expr *call) {
    int is_file;
    const char *name = state_argument(question, call, "save", &is_file);
    if (!name || !ready(question, call)) return (Answer){0};
    Status status = is_file ? mml_session_write(training.session, name) : keep_state(name);
    if (status != MML_OK) return failed_with("");
    printf("saved %s: %s\n", name, mml_session_place(training.session));
    return (Answer){0};
}

Answer restore_call(Question *question, const Expr *call) {
    int is_file;
    const char *name = state_argument(question, call, "restore", &is_file);
    if (!name || !ready(question, call)) return (Answer){0};
    SavedState *state = is_file ? NULL : state_named(name);
    if (!is_file && !state) {
        const char *names[64];
        int count = 0;
        for (; count < training.state_count && count < 64; count++) names[count] = training.states[count].name;
        const char *nearest = nearest_name(name, names, count);
        return nearest ? wrong(question, call, "there is no state `%s`; did you mean `%s`?", name, nearest) : wrong(question, call, "there is no state `%s`", name);
    }
    Status status = is_file ? mml_session_read(training.session, name) : mml_session_return(training.session, state->snapshot);
    if (status != MML_OK) return failed_with("");
    printf("restored %s: %s\n", name, mml_session_place(training.session));
    return (Answer){0};
}
