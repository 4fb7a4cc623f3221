/* Who is above a process, as /proc has it (proc_pid_status(5)). */
#pragma once

#include <sys/types.h>

/* 0: there is no such process, or no /proc. */
pid_t parent_of(pid_t pid);
/* The same of the text of its status. */
pid_t parent_in_status(const char *status);
