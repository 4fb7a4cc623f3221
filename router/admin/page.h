/* The status page, as script/embed-page makes it of page/status.html, .css and .js when sioinit is
 * built. Static, all of it. */
#pragma once

#include <stddef.h>

/* One HTML document without anything outside it, compressed with gzip: its field is
 * Content-Encoding: gzip. */
extern const unsigned char page_gz[];
extern const size_t page_gz_size; /* bytes */

/* The value of its Content-Security-Policy: nothing but its own script and style, by their hashes,
 * and requests to where it came from. */
extern const char page_csp[];
