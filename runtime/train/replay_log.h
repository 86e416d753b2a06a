/* A run's logs, read back for a replay. */
#ifndef TRAIN_REPLAY_LOG_H
#define TRAIN_REPLAY_LOG_H

#include "mml/replay.h"
#include "train/setting_json.h"
#include "train/stage.h"

typedef struct {
    const char *stage;
    MmlProbe    probe;                    /* its arrays are of the log's modalities */
    const char *measure;                  /* "probe", "watch1"                      */
    const char *decision;                 /* as text; NULL: no policy looked        */
    const char *finish;                   /* reason, or NULL                        */
    i64         active[MML_MAX_MODALITIES];
} MmlLoggedProbe;

typedef struct { const char *stage; MmlEpoch epoch; } MmlLoggedEpoch;

typedef struct {
    const char *const *modalities;
    i64                modality_count;
    MmlLoggedProbe    *probes;
    i64                probe_count;
    MmlLoggedEpoch    *epochs;            /* NULL: there is no metrics.jsonl        */
    i64                epoch_count;
    void              *settings;          /* json_t of run.json's settings, or NULL */
    const char        *note;              /* what was left out of the file, or NULL */
} MmlReplayLog;

/* path: a folder or a file. Everything lies in arena but for settings. */
Status mml_replay_log_read(const char *path, MmlArena *arena, MmlReplayLog *out);
void   mml_replay_log_free(MmlReplayLog *log);

/* The value of a setting in run.json, or NULL: "train.unimodal.epochs" gives "8 epochs". It lies in the log or in digits. */
const char *mml_replay_log_setting(const MmlReplayLog *log, const char *stage, const char *property, char digits[MML_NUMBER_TEXT]);

/* "only(gray)", "finish: reason", "say: text", joined by "; "; "–" for nothing. */
const char *mml_decision_text(MmlArena *arena, const char *const *actions, i64 action_count, const char *finish,
                              const char *const *said, i64 said_count);

#endif
