/* ENOENT from exec means the program, or what the kernel needs to run it: the interpreter behind #!
 * or the loader in an ELF file's PT_INTERP (elf(5)). */
#include "init/worker/exec_failure.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"

#include "base/ban.h"

enum { HEAD_MAX = 4096, LINE_MAX_BYTES = 256 }; /* BINPRM_BUF_SIZE is 256 */

struct head {
	char bytes[HEAD_MAX];
	size_t n;
};

static void read_head(const char *program, struct head *ret)
{
	auto_fd int fd = open(program, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : pread(fd, ret->bytes, sizeof(ret->bytes), 0);

	ret->n = n > 0 ? (size_t)n : 0;
}

/* The interpreter behind #!, with what the kernel takes for its name: a carriage return, too. */
static bool find_interpreter(const struct head *h, char ret[static LINE_MAX_BYTES])
{
	size_t at = 2, n = 0;

	if (h->n < 2 || memcmp(h->bytes, "#!", 2) != 0)
		return false;
	while (at < h->n && (h->bytes[at] == ' ' || h->bytes[at] == '\t'))
		at++;
	while (at + n < h->n && n + 1 < LINE_MAX_BYTES && !strchr(" \t\n", h->bytes[at + n]))
		n++;
	memcpy(ret, h->bytes + at, n);
	ret[n] = '\0';
	return n > 0;
}

/* A segment's offset and size in the file. */
struct segment {
	uint64_t offset, size;
};

static bool find_segment_64(const struct head *h, struct segment *ret)
{
	Elf64_Ehdr e;
	Elf64_Phdr p;

	if (h->n < sizeof(e))
		return false;
	memcpy(&e, h->bytes, sizeof(e));
	for (unsigned i = 0; i < e.e_phnum; i++) {
		uint64_t at = e.e_phoff + (uint64_t)i * sizeof(p);

		if (e.e_phoff > h->n || at + sizeof(p) > h->n)
			return false;
		memcpy(&p, h->bytes + at, sizeof(p));
		*ret = (struct segment){ p.p_offset, p.p_filesz };
		if (p.p_type == PT_INTERP)
			return true;
	}
	return false;
}

static bool find_segment_32(const struct head *h, struct segment *ret)
{
	Elf32_Ehdr e;
	Elf32_Phdr p;

	if (h->n < sizeof(e))
		return false;
	memcpy(&e, h->bytes, sizeof(e));
	for (unsigned i = 0; i < e.e_phnum; i++) {
		uint64_t at = e.e_phoff + (uint64_t)i * sizeof(p);

		if (at + sizeof(p) > h->n)
			return false;
		memcpy(&p, h->bytes + at, sizeof(p));
		*ret = (struct segment){ p.p_offset, p.p_filesz };
		if (p.p_type == PT_INTERP)
			return true;
	}
	return false;
}

static bool is_elf(const struct head *h)
{
	return h->n >= EI_NIDENT && memcmp(h->bytes, ELFMAG, SELFMAG) == 0;
}

/* The loader of a dynamic program, which is text within its first pages. */
static bool find_loader(const struct head *h, char ret[static LINE_MAX_BYTES])
{
	struct segment s = { 0 };
	bool found = is_elf(h) && (h->bytes[EI_CLASS] == ELFCLASS64 ? find_segment_64(h, &s)
								    : find_segment_32(h, &s));

	if (!found || s.size < 2 || s.size > LINE_MAX_BYTES || s.offset > h->n ||
	    s.size > h->n - s.offset)
		return false;
	memcpy(ret, h->bytes + s.offset, s.size);
	ret[s.size - 1] = '\0';
	return true;
}

static const char *machine_of(const struct head *h)
{
	static const struct {
		unsigned machine;
		const char *name;
	} machines[] = { { EM_X86_64, "x86-64 (amd64)" },
			 { EM_386, "32-bit x86" },
			 { EM_AARCH64, "arm64" },
			 { EM_ARM, "32-bit ARM" },
			 { EM_RISCV, "RISC-V" },
			 { EM_PPC64, "ppc64" },
			 { EM_S390, "s390x" } };
	uint16_t machine;

	memcpy(&machine, h->bytes + offsetof(Elf64_Ehdr, e_machine), sizeof(machine));
	for (size_t i = 0; i < ARRAY_LEN(machines); i++)
		if (machines[i].machine == machine)
			return machines[i].name;
	return "another machine";
}

static const char *usual_cause(const char *loader)
{
	if (strstr(loader, "ld-musl"))
		return "it was built on Alpine (musl), and this image has glibc: build it in this "
		       "image, or link it statically";
	if (strstr(loader, "ld-linux") || strstr(loader, "ld64"))
		return "it was built for glibc, which Alpine and distroless/static do not have: "
		       "build it in this image, link it statically, or take an image with glibc "
		       "(Debian, distroless/cc; Alpine: apk add gcompat)";
	return "install it, or link the program statically";
}

static int missing(const char *program, const struct head *h, char *text, size_t size)
{
	char name[LINE_MAX_BYTES];
	size_t n;

	if (find_loader(h, name)) {
		(void)snprintf(text, size, "%s: its loader %s is missing: %s", program, name,
			       usual_cause(name));
	} else if (find_interpreter(h, name)) {
		n = strlen(name);
		if (name[n - 1] == '\r')
			(void)snprintf(text, size,
				       "%s: its interpreter (#!) is \"%.*s\\r\": the file has the "
				       "line ends of Windows; save it with those of Unix",
				       program, (int)n - 1, name);
		else
			(void)snprintf(text, size,
				       "%s: its interpreter %s (#!) is missing: install it, or "
				       "name another (Alpine has /bin/sh and no bash, distroless "
				       "has no shell)",
				       program, name);
	} else {
		(void)snprintf(text, size, "%s: no such program", program);
	}
	return EXIT_NOT_FOUND;
}

static int not_executable(const char *program, const struct head *h, int err, char *text,
			  size_t size)
{
	if (err == ENOEXEC && is_elf(h))
		(void)snprintf(text, size,
			       "%s: built for %s, which this machine does not run (an image for "
			       "another --platform?)",
			       program, machine_of(h));
	else if (err == EACCES)
		(void)snprintf(text, size,
			       "%s: not executable for the user it is to run as: chmod +x, look at "
			       "its folders, its interpreter and mount options (noexec)",
			       program);
	else if (err == E2BIG)
		(void)snprintf(text, size, "%s: arguments and environment are too large together",
			       program);
	else
		(void)snprintf(text, size, "%s: cannot be executed: %s", program, strerror(err));
	return EXIT_NOT_EXECUTABLE;
}

static int not_prepared(const struct spawn_result *failed, char *text, size_t size)
{
	static const struct {
		const char *what;
		int code;
	} steps[] = {
		[SPAWN_FORK] = { "fork", EXIT_OUR_FAILURE },
		[SPAWN_RLIMITS] = { "SIOINIT_WORKER_RLIMITS (a hard limit is raised with "
				    "CAP_SYS_RESOURCE only)",
				    EXIT_BAD_CONFIG },
		[SPAWN_NICE] = { "SIOINIT_WORKER_NICE (lowered with CAP_SYS_NICE only)",
				 EXIT_BAD_CONFIG },
		[SPAWN_OOM_SCORE_ADJ] = { "SIOINIT_WORKER_OOM_SCORE_ADJ (lowered with "
					  "CAP_SYS_RESOURCE only)",
					  EXIT_BAD_CONFIG },
		[SPAWN_CREDENTIALS] = { "cannot become SIOINIT_USER", EXIT_OUR_FAILURE },
	};

	(void)snprintf(text, size, "%s: %s", steps[failed->step].what, strerror(failed->err));
	return steps[failed->step].code;
}

int exec_failure_explain(const char *program, const struct spawn_result *failed, char *text,
			 size_t size)
{
	struct head h;

	if (failed->step != SPAWN_EXEC)
		return not_prepared(failed, text, size);
	read_head(program, &h);
	if (failed->err == ENOENT)
		return missing(program, &h, text, size);
	return not_executable(program, &h, failed->err, text, size);
}
