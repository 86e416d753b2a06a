/* What an opened MmlData holds: for data.c, which makes it, and batch.c, which
 * reads it. Nothing in it changes while batches are made but scratch and spoilt.
 */
#ifndef DATA_STATE_H
#define DATA_STATE_H

#include "data/pipeline.h"

struct MmlData {
    const MmlSettings   *settings;
    const MmlExperiment *experiment;
    MmlArena            *arena;
    MmlThreads          *threads;
    DataCache           *cache;          /* NULL: none                               */
    u64                  seed;
    i64                  source_count;   /* opened so far                            */
    DataSource          *sources;
    i64                  pipeline_count; /* opened so far                            */
    DataPipeline        *pipelines;
    const DataSource    *labelled;       /* the target's source                      */
    const DataField     *label;
    float              **scratch;        /* [threads]                                */
    i64                 *spoilt;         /* [threads] first sample that isn't finite */
    const char          *description, *checksum;
};

/* MML_EIO once mapped files could not be read: what was made of them may be wrong. */
Status mml_data_unfailed(const MmlData *data);

#endif
