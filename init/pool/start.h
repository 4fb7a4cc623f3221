/* Starting the worker of a slot. */
#pragma once

struct slot;
struct worker;

/* A worker of @s's number, in the pool's list and announced by pool_ops.on_worker(); the caller
 * gives it its place in the slot. NULL: *ret_err is a negative errno, and *ret_code the exit code
 * that it stands for when the app or a setting is to blame, else 0. */
struct worker *start_worker(struct slot *s, int *ret_err, int *ret_code);
