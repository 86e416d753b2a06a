/* replay and compare: logged probes under other policies. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/repl_evaluate.h"
#include "driver/repl_log.h"
#include "driver/repl_say.h"
#include "mml/comparison.h"

enum { DECISION = 34, MOST_POLICIES = 16 };

/* ---- What a replay says ---- */

typedef VECTOR(MmlReplayLine)  ReplayLines;
typedef VECTOR(MmlReplayStage) ReplayStages;
typedef struct { Arena *arena; ReplayLines lines; ReplayStages stages; VECTOR(const char *) notes; } Replayed;

static const char *keep(Arena *arena, const char *text) { return text ? arena_copy(arena, text, strlen(text)) : NULL; }

static void take_line(void *context, const MmlReplayLine *line) {
    Replayed *r = context;
    MmlReplayLine copy = *line;
    copy.stage = keep(r->arena, line->stage);
    copy.taken = keep(r->arena, line->taken);
    copy.replayed = keep(r->arena, line->replayed);
    copy.taken_active = keep(r->arena, line->taken_active);
    copy.replayed_active = keep(r->arena, line->replayed_active);
    VECTOR_PUSH(r->arena, &r->lines, copy);
}

static void take_stage(void *context, const MmlReplayStage *stage) {
    Replayed *r = context;
    MmlReplayStage copy = *stage;
    copy.stage = keep(r->arena, stage->stage);
    copy.taken_end = keep(r->arena, stage->taken_end);
    copy.replayed_end = keep(r->arena, stage->replayed_end);
    VECTOR_PUSH(r->arena, &r->stages, copy);
}

static void take_note(void *context, const char *text) {
    Replayed *r = context;
    VECTOR_PUSH(r->arena, &r->notes, keep(r->arena, text));
}

/* ---- Running one ---- */

/* 1, or 0 after an error. */
static int run_replay(Question *question, const Log *log, const Expr *policy, Replayed *out) {
    Compiled compiled;
    *out = (Replayed){.arena = question->arena};
    if (!is_policy(question, policy)) return wrong(question, policy, "this is not a policy; `NAME(…)` of one that is defined or in the library").kind;
    Program *program = session_bound(question, &(Binding){.modalities = log->modalities, .count = (int)log->count, .policy = policy});
    if (!program || !session_compile(question, program, 0, &compiled)) return 0;
    const MmlReplayListener listener = {out, take_line, take_stage, take_note};
    Status status = mml_replay(log->path, compiled.experiment, &compiled.settings, log->arena, &listener);
    compiled_free(&compiled);
    if (status == MML_OK) return 1;
    failed_with("");
    return 0;
}

/* ---- Showing it ---- */

static int columns_of(const char *text) {
    int columns = 0;
    for (; *text; text++) columns += (*text & 0xC0) != 0x80;
    return columns;
}

/* text in width columns, cut with `…`; padded unless it ends the line. */
static void put_cut(const char *text, int width, int last) {
    int columns = 0, all = columns_of(text);
    const char *end = text;
    while (*end && (all <= width || columns < width - 1 || (*end & 0xC0) == 0x80)) columns += (*end++ & 0xC0) != 0x80;
    printf("%.*s%s%*s", (int)(end - text), text, all > width ? "…" : "", last || all > width ? 0 : width - all, "");
}

static void put_probe(const Log *log, const MmlReplayLine *line) {
    if (line->probe) log_put_probe(log, line->probe);
    else printf("%-5lld %*s", (long long)line->epoch, (int)(10 * (2 + log->count)), "");
}

static void put_line(const Log *log, const MmlReplayLine *line) {
    put_probe(log, line);
    printf("%s%s ", line->probe && !line->same ? "<" : " ", line->hypothetical ? "~" : " ");
    put_cut(line->taken ? line->taken : "not logged", DECISION, 0);
    putchar(' ');
    put_cut(!line->replayed ? "(ended before)" : line->replayed, DECISION, 1);
    putchar('\n');
}

static void put_verdict(const MmlReplayStage *stage) {
    if (!stage->differing) printf("%s: the same at every one of %lld probe%s\n", stage->stage, (long long)stage->lines, stage->lines == 1 ? "" : "s");
    else printf("%s: %lld of %lld decisions differ (<)\n", stage->stage, (long long)stage->differing, (long long)stage->lines);
    if (stage->parted >= 0)
        printf("  they part at epoch %lld; from there on the replay is hypothetical (~): other modalities would have been trained\n", (long long)stage->parted);
    if (stage->taken_end) printf("  taken:    the stage ended after %lld epoch%s: %s\n", (long long)stage->taken_epochs, stage->taken_epochs == 1 ? "" : "s", stage->taken_end);
    if (stage->replayed_end) printf("  replayed: the stage ends after %lld epoch%s: %s\n", (long long)stage->replayed_epochs, stage->replayed_epochs == 1 ? "" : "s", stage->replayed_end);
}

static void put_notes(const Replayed *replayed) {
    for (int i = 0; i < replayed->notes.count; i++) printf("note: %s\n", replayed->notes.items[i]);
}

static void put_replay(const Log *log, const Replayed *replayed) {
    put_notes(replayed);
    for (int s = 0; s < replayed->stages.count; s++) {
        const MmlReplayStage *stage = &replayed->stages.items[s];
        log_put_head(log, stage->stage);
        printf("   ");
        put_cut("taken", DECISION, 0);
        printf(" replayed\n");
        for (int i = 0; i < replayed->lines.count; i++)
            if (!strcmp(replayed->lines.items[i].stage, stage->stage)) put_line(log, &replayed->lines.items[i]);
        put_verdict(stage);
    }
}

Answer replay_call(Question *question, const Expr *call) {
    Replayed replayed;
    Log      log;
    if (!check_arguments(question, call, "replay", 2, 2, NULL)) return (Answer){0};
    const char *path = text_argument(question, positional(call, 0), "replay", "a run's folder or its probes.jsonl");
    if (path && log_open(path, &log) && run_replay(question, &log, positional(call, 1), &replayed)) put_replay(&log, &replayed);
    if (path) mml_arena_free(log.arena);
    return (Answer){0};
}

/* ---- Several beside each other ---- */

static const char *source_text(Question *question, const Expr *expr) {
    if (!expr->span.source) return "";
    return arena_copy(question->arena, expr->span.source->text + expr->span.begin, expr->span.end - expr->span.begin);
}

static void put_verdict_line(const MmlCompared *policy, const MmlReplayStage *verdict) {
    printf("  %s: %lld of %lld differ", policy->name, (long long)verdict->differing, (long long)verdict->lines);
    if (verdict->parted >= 0) printf(", parts at epoch %lld (~ hypothetical from there)", (long long)verdict->parted);
    if (verdict->replayed_end) printf(", ends after %lld epochs", (long long)verdict->replayed_epochs);
    putchar('\n');
}

static void put_comparison(Question *question, const Log *log, const MmlComparison *of) {
    const MmlCompared *first = &of->policies[0];
    int width = of->policy_count > 3 ? 22 : 30;
    for (i64 s = 0; s < first->stage_count; s++) {
        const char *stage = first->stages[s].stage;
        log_put_head(log, stage);
        put_cut("taken", width, 0);
        for (i64 p = 0; p < of->policy_count; p++) {
            putchar(' ');
            put_cut(of->policies[p].name, width, p + 1 == of->policy_count);
        }
        putchar('\n');
        for (i64 i = 0; i < first->line_count; i++) {
            const MmlReplayLine *line = &first->lines[i];
            if (strcmp(line->stage, stage) || !line->probe) continue;
            put_probe(log, line);
            put_cut(line->taken ? line->taken : "not logged", width, 0);
            for (i64 p = 0; p < of->policy_count; p++) {
                const MmlReplayLine *own = mml_comparison_line(&of->policies[p], line);
                putchar(' ');
                put_cut(!own || !own->replayed ? "(ended before)" : arena_printf(question->arena, "%s%s", own->hypothetical ? "~" : "", own->replayed),
                        width, p + 1 == of->policy_count);
            }
            putchar('\n');
        }
        for (i64 p = 0; p < of->policy_count; p++) put_verdict_line(&of->policies[p], &of->policies[p].stages[s]);
    }
}

/* What is shown needs no page: where none can be written, that is said and changes nothing. */
static void write_comparison(const MmlComparison *of) {
    char *path;
    if (mml_comparison_write(of, &path) == MML_OK) printf("written to %s\n", path);
    else printf("note: no page was written: %s\n", mml_message());
    free(path);
}

Answer compare_call(Question *question, const Expr *call) {
    Replayed    all[MOST_POLICIES];
    MmlCompared policies[MOST_POLICIES];
    Log         log;
    if (!check_arguments(question, call, "compare", 2, MOST_POLICIES + 1, NULL)) return (Answer){0};
    const char *path = text_argument(question, positional(call, 0), "compare", "a run's folder or its probes.jsonl");
    if (!path) return (Answer){0};
    int count = count_positional(call) - 1, fine = log_open(path, &log);
    for (int p = 0; p < count && fine; p++) fine = run_replay(question, &log, positional(call, p + 1), &all[p]);
    for (int p = 0; p < count && fine; p++)
        policies[p] = (MmlCompared){source_text(question, positional(call, p + 1)), all[p].lines.items, all[p].lines.count,
                                    all[p].stages.items, all[p].stages.count};
    if (fine) {
        const MmlComparison comparison = {path, log.modalities, log.count, policies, count};
        put_notes(&all[0]);
        put_comparison(question, &log, &comparison);
        write_comparison(&comparison);
    }
    mml_arena_free(log.arena);
    return (Answer){0};
}
