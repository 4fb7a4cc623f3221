/* What the first byte of a connection tells of its protocol. A pure function. */
#pragma once

enum first_byte {
	FIRST_BYTE_HTTP,  /* of a method, or of what some server would skip in front of one */
	FIRST_BYTE_TLS,   /* a handshake record (RFC 8446, 5.1) */
	FIRST_BYTE_OTHER, /* no server reads it as HTTP */
	FIRST_BYTE_KINDS,
};

enum first_byte first_byte_of(char byte);
