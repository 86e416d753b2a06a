/* Training at the prompt: the loaded experiment, its states, its policies. */
#ifndef DRIVER_REPL_TRAIN_H
#define DRIVER_REPL_TRAIN_H

/* Lets go of the experiment and all of its states. */
void training_free(void);

#endif
