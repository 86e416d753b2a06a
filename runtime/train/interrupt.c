#include "train/interrupt.h"

#include "mml/base.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static struct sigaction before_int, before_term;

static void on_signal(int signal_number) {
    if (!mml_stop_asked()) {
        mml_stop_ask();
        return;
    }
    static const char text[] = "\nstopped at once; the last checkpoint stands\n";
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written;
    _exit(130);
}

void mml_interrupt_install(void) {
    mml_stop_forget();
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, &before_int);
    sigaction(SIGTERM, &action, &before_term);
}

void mml_interrupt_restore(void) {
    sigaction(SIGINT, &before_int, NULL);
    sigaction(SIGTERM, &before_term, NULL);
    mml_stop_forget();
}

int mml_interrupted(void) { return mml_stop_asked(); }

