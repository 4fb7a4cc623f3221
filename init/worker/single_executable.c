/* The script is a note of an ELF file with this name (Node: src/node_sea.cc). */
#include "init/worker/single_executable.h"

#include <elf.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

#include "base/ban.h"

enum { NOTES_MAX = 4096, SEGMENTS_MAX = 128 };

static const char note[] = "NODE_SEA_BLOB";

static bool has_note(int fd, const Elf64_Phdr *p)
{
	char notes[NOTES_MAX];
	size_t size = p->p_filesz < sizeof(notes) ? p->p_filesz : sizeof(notes);
	ssize_t n = pread(fd, notes, size, (off_t)p->p_offset);

	return n > 0 && memmem(notes, (size_t)n, note, sizeof(note));
}

bool single_executable_is_node(const char *path)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	Elf64_Ehdr e;
	Elf64_Phdr p;

	if (fd < 0 || pread(fd, &e, sizeof(e), 0) != sizeof(e) ||
	    memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 || e.e_ident[EI_CLASS] != ELFCLASS64)
		return false;
	for (unsigned i = 0; i < e.e_phnum && i < SEGMENTS_MAX; i++)
		if (pread(fd, &p, sizeof(p), (off_t)(e.e_phoff + i * sizeof(p))) == sizeof(p) &&
		    p.p_type == PT_NOTE && has_note(fd, &p))
			return true;
	return false;
}
