/* Training by hand, for the prompt: the trainer's own loop, stopped and gone on
 * with at will, with states to go back to and policies that can be exchanged.
 *
 * A session writes no folder. Its numbers are those of the trainer to the last bit, for
 * equal settings, seed and threads. Long calls end with MML_EINTERRUPT when mml_stop_ask
 * was called; the session then stands behind a batch and goes on from there. After any
 * other failure it is as it was before the call.
 */
#ifndef MML_SESSION_H
#define MML_SESSION_H

#include "mml/pid.h"
#include "mml/settings.h"

typedef struct MmlSession MmlSession;

/* Reads the data and makes fresh weights. argv is a trainer's: params, --set, --seed,
 * --threads. experiment outlives the session. */
Status mml_session_new(const MmlExperiment *experiment, int argc, char **argv, MmlSession **out);
void   mml_session_free(MmlSession *session);                /* NULL is fine */

/* From here on the stages that have a policy or a probe follow the policy of bound's first stage. It
 * starts afresh, with all modalities active. bound has the same modalities; settings are its own, finished;
 * both outlive the session. A `requires` that doesn't hold fails with MML_ECALL. */
Status mml_session_policy(MmlSession *session, const MmlExperiment *bound, const MmlSettings *settings);

/* Trains from the state reached: to the end of the last stage, or for so many
 * epochs or batches (0: no such limit). Prints what the trainer prints, and its
 * result when the last stage ends. */
Status mml_session_train(MmlSession *session, i64 epochs, i64 batches);

/* Measures now with the probe of the stage at hand (else of the last one that has
 * any); no policy hears of it. MML_EINPUT when no stage has one. */
Status mml_session_probe(MmlSession *session, MmlProbeResult *out);

/* Where it stands, in one line: "unimodal, before epoch 3, 1,000 batches trained"; in the session's memory. */
const char *mml_session_place(const MmlSession *session);

/* A state in memory: weights, optimiser memory, statistics, clocks, rules. */
typedef struct MmlSnapshot MmlSnapshot;
Status mml_session_keep(MmlSession *session, MmlSnapshot **out);
Status mml_session_return(MmlSession *session, const MmlSnapshot *snapshot);
void   mml_snapshot_free(MmlSnapshot *snapshot);             /* NULL is fine */

/* The same in a file: a checkpoint of the trainer, written whole or not at all. */
Status mml_session_write(MmlSession *session, const char *path);
Status mml_session_read(MmlSession *session, const char *path);

#endif
