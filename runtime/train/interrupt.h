/* Ctrl-C (SIGINT) and SIGTERM: the first asks the training loop to stop at
 * the next safe point, the second ends the process at once with 130. */
#ifndef TRAIN_INTERRUPT_H
#define TRAIN_INTERRUPT_H

void mml_interrupt_install(void);     /* forgets earlier requests                       */
void mml_interrupt_restore(void);     /* the handlers from before                       */
int  mml_interrupted(void);           /* 1 once a stop has been asked for               */

#endif
