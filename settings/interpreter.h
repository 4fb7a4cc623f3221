/* Which interpreter a file's extension asks for. */
#pragma once

/* Whose rules: our own (`sioinit app.js`), or pm2's for the script of an ecosystem file. */
enum interpreter_rules { INTERPRETER_OF_OURS = 1, INTERPRETER_OF_PM2 = 2 };

/* A static name such as "node", or NULL: the extension asks for none. Pure. */
const char *interpreter_for(const char *file, enum interpreter_rules rules);
