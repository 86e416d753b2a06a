/* Going on with a run: what its run.json says must be what is asked for now. */
#ifndef TRAIN_RESUME_H
#define TRAIN_RESUME_H

#include "train/run.h"

typedef struct MmlEarlier MmlEarlier;      /* what the folder's run.json says */

/* Reads FOLDER/run.json. *out is NULL when there is none: the run starts over.
 * MML_ECALL when there is no such folder, or it holds another program's run. */
Status mml_earlier_read(const MmlExperiment *experiment, const char *folder, MmlEarlier **out);
void   mml_earlier_free(MmlEarlier *earlier);

/* Gives the settings that the earlier run was given and this call was not, its threads and its --init. */
Status mml_earlier_apply(const MmlEarlier *earlier, MmlRun *run);

/* MML_ECALL naming every setting whose value differs. */
Status mml_earlier_compare(const MmlEarlier *earlier, const MmlRun *run);

/* MML_EDATA when the data read now are not those of the earlier run. */
Status mml_earlier_compare_data(const MmlEarlier *earlier, const MmlRun *run);

#endif
