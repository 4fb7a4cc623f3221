/* See claim_script.h. What is not Node's documented interface is the same in 18 to 26:
 * child_process._forkChild() and cluster._setupWorker() are what Node itself calls for an inherited
 * channel (lib/internal/process/pre_execution.js), which then counts two listeners as reasons to
 * live. */
#include "init/worker/claim_script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "init/worker/starters.h"
#include "ipc/admin_address.h"

#include "base/ban.h"

enum { URL_MAX = 16 << 10 };

static const char prefix[] = "--import=data:text/javascript,";

/* The names of starters, the name of the socket, the oldest Node. */
static const char format[] =
    "import{isMainThread}from'node:worker_threads';"
    "import{realpathSync}from'node:fs';"
    "import{Socket}from'node:net';"
    "import{_forkChild}from'node:child_process';"
    "const main=()=>{try{return realpathSync(process.argv[1])}catch{return ''}},"
    "starts=(file)=>RegExp('/node_modules/(%s)/').test(file)||"
    "/[/](npm|npx|pnpm|yarn)[^/]*[.][^/]*$/.test(file),"
    "ask=()=>new Promise((done)=>{"
    "const s=new Socket();"
    "s.once('data',(line)=>{s._handle.readStop();s.unref();"
    "done([s._handle.fd,...String(line).trim().split(' ')])});"
    "s.once('error',()=>{});"
    "s.once('close',()=>done());"
    "s.connect('\\0%s')}),"
    "join=async(fd,id,mode)=>{"
    "const old=process._send;"
    "process.env.NODE_UNIQUE_ID=id;"
    "process.removeAllListeners('internalMessage');"
    "_forkChild(fd,mode);"
    "const{default:cluster}=await import('node:cluster');"
    "cluster._setupWorker();"
    "delete process.env.NODE_UNIQUE_ID;"
    "const{channel,_send}=process,{_getServer}=cluster;"
    "channel.unrefCounted();"
    "channel.unrefCounted();"
    "cluster._getServer=function(...a){channel.refCounted();return _getServer.apply(this,a)};"
    "if(old)process._send=function(m,...a){"
    "const watched=Object.keys(m||{})[0]?.startsWith('watch:');"
    "return(watched?old:_send).call(this,m,...a)};"
    "const rest=process.env.NODE_OPTIONS.replace('--import='+import.meta.url,'').trim();"
    "if(rest)process.env.NODE_OPTIONS=rest;"
    "else delete process.env.NODE_OPTIONS};"
    "if(parseInt(process.versions.node)>=%u&&isMainThread&&process.argv[1]&&!starts(main())){"
    "const told=await ask();"
    "if(told)await join(...told)}";

void claim_name(char dst[static CLAIM_NAME_LEN + 1])
{
	char folder[64];
	int n;

	admin_address_prefix(folder, sizeof(folder));
	n = snprintf(dst, CLAIM_NAME_LEN + 1, "%s%d/channel", folder, (int)getpid());
	memset(dst + n, '/', CLAIM_NAME_LEN - (size_t)n);
	dst[CLAIM_NAME_LEN] = '\0';
}

/* Neither a blank, a quote nor a backslash is left, which NODE_OPTIONS is parted by. */
static int append_encoded(struct buf *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_.()=,;:/";
	int r = 0;

	for (; *text && r == 0; text++) {
		char hex[4];

		(void)snprintf(hex, sizeof(hex), "%%%02X", (unsigned)*text & 0xff);
		r = strchr(plain, *text) ? buf_append(out, text, 1) : buf_append(out, hex, 3);
	}
	return r;
}

char *claim_node_options(const char *now, const char *name, unsigned from)
{
	struct buf url = BUF_INIT(URL_MAX);
	char *script, *entry = NULL;

	if (asprintf(&script, format, starters_pattern, name, from) < 0)
		return NULL;
	if (append_encoded(&url, script) == 0 && buf_append(&url, "", 1) == 0 &&
	    asprintf(&entry, "NODE_OPTIONS=%s%s%s%s", now ? now : "", now && *now ? " " : "",
		     prefix, url.p) < 0)
		entry = NULL;
	buf_free(&url);
	free(script);
	return entry;
}
