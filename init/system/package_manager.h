/* `npm start`, `npx`, and pnpm's and yarn's like: they run sioinit below a shell and pass a SIGTERM
 * on to that shell only. It dies of it (Debian's dash does not exec the last command), and sioinit
 * would never hear of it. */
#pragma once

/* Called once, by init: where a package manager's script has started it, the end of the process
 * above is a SIGTERM. Not where the script has sent it to the background (`sioinit worker.js &`),
 * so that it may outlive the shell. Where the package manager is process 1, the kernel kills all
 * that is left when that ends, right after the shell: this is said once. */
void package_manager_follow(void);
