/* A logged run under another policy: what it would have decided at every probe.
 *
 * The policy hears in the stage loop's order of the logged probes (probes.jsonl) and, where
 * metrics.jsonl and run.json stand beside them, of the epochs with their losses and
 * accuracies. As soon as it decides otherwise (other modalities, or an end) the rest is
 * hypothetical: the run would have measured something else.
 */
#ifndef MML_REPLAY_H
#define MML_REPLAY_H

#include "mml/settings.h"

/* What was decided at one probe, or (probe NULL) by a rule at an epoch without one, which no log holds. */
typedef struct {
    const char     *stage;
    i64             epoch;
    const MmlProbe *probe;
    const char     *taken;            /* "only(gray)", "–" for nothing; NULL: not logged           */
    const char     *replayed;         /* the same of the policy; NULL: its stage has ended before  */
    const char     *taken_active, *replayed_active;      /* "gray, color"; NULL as above           */
    int             same;             /* equal actions, texts and active modalities                */
    int             hypothetical;     /* the two have parted before this line                      */
} MmlReplayLine;

typedef struct {
    const char *stage;
    i64         lines, differing;     /* probes, and how many of them are decided otherwise        */
    i64         parted;               /* epoch of the first decision with other consequences; -1: none */
    const char *taken_end, *replayed_end;      /* why it ended, NULL: it went on to its last epoch or the log's end */
    i64         taken_epochs, replayed_epochs; /* epochs trained until then                        */
} MmlReplayStage;

typedef struct {
    void *context;
    void (*line)(void *context, const MmlReplayLine *line);
    void (*stage)(void *context, const MmlReplayStage *stage);
    void (*note)(void *context, const char *text);       /* what was left out, and why */
} MmlReplayListener;

/* Names of the log's modalities, in order. path: a run's folder, or a probes.jsonl.
 * MML_EDATA when nothing can be read from it. */
Status mml_replay_modalities(const char *path, MmlArena *arena, const char *const **names, i64 *count);

/* A logged probe as it was measured; a run may have watched others beside the policy's. */
typedef struct { const char *stage, *measure; const MmlProbe *probe; } MmlProbeLine;      /* measure: "probe", "watch1" */

/* All of a log's probes in its order, in arena. *note: what was left out of a file that is cut, or NULL. */
Status mml_replay_probes(const char *path, MmlArena *arena, const MmlProbeLine **lines, i64 *count, const char **note);

/* Replays every stage of the log with the policy of the first stage of bound, whose
 * modalities are the log's; settings are its own, finished. A line that is cut at the end of the
 * file is noted and left out; one that is damaged elsewhere is MML_EDATA. A policy that fails is MML_ENUMERIC,
 * a `requires` that doesn't hold MML_ECALL. */
Status mml_replay(const char *path, const MmlExperiment *bound, const MmlSettings *settings, MmlArena *arena,
                  const MmlReplayListener *listener);

#endif
