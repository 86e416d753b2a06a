/* Results of `mmlc pid`: a table for people, or a line of JSON for each
 * distribution, with the keys of the command-line contract.
 */
#ifndef DRIVER_PID_OUTPUT_H
#define DRIVER_PID_OUTPUT_H

#include "driver/pid_estimate.h"

typedef struct { int json, certificate, gradient; } PidOutput;

/* The table's head; nothing for JSON. */
void pid_output_begin(const PidOutput *output, const PidInput *input);

/* One distribution to standard output; estimates is NULL for probabilities. Fails with MML_ENOMEM. */
Status pid_output_write(const PidOutput *output, const PidDistribution *distribution, const MmlPid *pid,
                        const PidEstimates *estimates, MmlArena *arena);

#endif
