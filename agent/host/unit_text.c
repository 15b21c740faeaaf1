#include "agent/host/unit_text.h"

#include "common/base/text.h"

#define LIST_BYTES_MAX 4096
#define LINE_BYTES_MAX (64u << 10) /* joined; what is behind is not looked at */

enum unit_type unit_type_of(struct slice name)
{
	static const struct {
		const char *ending;
		enum unit_type type;
	} TYPES[] = {{".service", UNIT_SERVICE}, {".timer", UNIT_TIMER}, {".socket", UNIT_SOCKET}};
	for (size_t i = 0; i < sizeof(TYPES) / sizeof(TYPES[0]); i++) {
		size_t len = strlen(TYPES[i].ending);
		if (name.len > len && memcmp(name.ptr + name.len - len, TYPES[i].ending, len) == 0)
			return TYPES[i].type;
	}
	return UNIT_OTHER;
}

void unit_text_init(struct unit_text *text, enum unit_type type)
{
	*text = (struct unit_text){.type = type};
}

void unit_text_fini(struct unit_text *text)
{
	buf_fini(&text->command);
	buf_fini(&text->aliases);
	buf_fini(&text->instance);
	buf_fini(&text->line);
}

/* --- sections --------------------------------------------------------------------------------- */

static bool is_one_of(struct slice key, const char *const *keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slice_is(key, keys[i]))
			return true;
	return false;
}

/* Whether it says what the unit does. */
static bool is_command(enum unit_type type, struct slice section, struct slice key)
{
	static const char *const TIMES[] = {"OnCalendar", "OnBootSec", "OnStartupSec",
	        "OnActiveSec", "OnUnitActiveSec", "OnUnitInactiveSec"};
	static const char *const PLACES[] = {"ListenStream", "ListenDatagram",
	        "ListenSequentialPacket", "ListenFIFO", "ListenSpecial", "ListenNetlink",
	        "ListenMessageQueue", "ListenUSBFunction"};
	switch (type) {
	case UNIT_SERVICE:
		return slice_is(section, "Service") && slice_is(key, "ExecStart");
	case UNIT_TIMER:
		return slice_is(section, "Timer") &&
		       is_one_of(key, TIMES, sizeof(TIMES) / sizeof(TIMES[0]));
	case UNIT_SOCKET:
		return slice_is(section, "Socket") &&
		       is_one_of(key, PLACES, sizeof(PLACES) / sizeof(PLACES[0]));
	case UNIT_OTHER:
		break;
	}
	return false;
}

/* Not within a character. */
static void cut_command(struct unit_text *text)
{
	struct buf *command = &text->command;
	if (command->len <= UNIT_COMMAND_MAX)
		return;
	size_t len = UNIT_COMMAND_MAX;
	while (len > UNIT_COMMAND_MAX - 4 && (command->data[len] & 0xc0) == 0x80)
		len--;
	command->len = len;
	text->is_cut = true;
}

static void add_command(struct unit_text *text, struct slice key, struct slice value)
{
	if (value.len == 0) {
		buf_reset(&text->command);
		text->is_cut = false;
		return;
	}
	if (text->is_cut)
		return;
	if (text->command.len > 0)
		buf_append_text(&text->command, "; ");
	if (text->type != UNIT_SERVICE) {
		buf_append_slice(&text->command, key);
		buf_append_byte(&text->command, '=');
	}
	buf_append_slice(&text->command, value);
	cut_command(text);
}

static void add_aliases(struct unit_text *text, struct slice value)
{
	if (value.len == 0)
		buf_reset(&text->aliases);
	else if (text->aliases.len + value.len < LIST_BYTES_MAX) {
		buf_append_slice(&text->aliases, value);
		buf_append_byte(&text->aliases, ' ');
	}
}

static void add_install(struct unit_text *text, struct slice key, struct slice value)
{
	static const char *const MAKES_LINKS[] = {"WantedBy", "RequiredBy", "UpheldBy", "Alias"};
	for (unsigned i = 0; i < sizeof(MAKES_LINKS) / sizeof(MAKES_LINKS[0]); i++) {
		if (!slice_is(key, MAKES_LINKS[i]))
			continue;
		text->wanted = value.len > 0 ? text->wanted | 1u << i : text->wanted & ~(1u << i);
	}
	if (slice_is(key, "Alias"))
		add_aliases(text, value);
	if (slice_is(key, "Also"))
		text->has_also = value.len > 0;
	if (slice_is(key, "DefaultInstance") && value.len < LIST_BYTES_MAX) {
		buf_reset(&text->instance);
		buf_append_slice(&text->instance, value);
	}
}

bool unit_text_has_alias(const struct unit_text *text, struct slice name)
{
	struct slice word, rest = buf_slice(&text->aliases);
	while (text_split(rest, ' ', &word, &rest))
		if (slice_equal(text_trim(word), name))
			return true;
	return false;
}

/* --- lines ------------------------------------------------------------------------------------ */

/* Takes a line and those that it goes on in; comments between them are none of it. */
static bool take_joined(struct slice *content, struct buf *out)
{
	struct slice line;
	bool goes_on = false, is_any = false;
	buf_reset(out);
	while (text_take_line(content, &line)) {
		struct slice text = text_trim(line);
		bool is_comment = text.len > 0 && (text.ptr[0] == '#' || text.ptr[0] == ';');
		is_any = true;
		if (is_comment && goes_on)
			continue;
		if (is_comment)
			break;
		goes_on = line.len > 0 && line.ptr[line.len - 1] == '\\';
		line.len -= goes_on;
		if (out->len + line.len <= LINE_BYTES_MAX)
			buf_append_slice(out, line);
		if (!goes_on)
			break;
		buf_append_byte(out, ' '); /* in the backslash's place */
	}
	return is_any;
}

void unit_text_apply(struct unit_text *text, struct slice content)
{
	struct slice section = {0}, key, value;
	struct buf kept = BUF_INIT; /* the section's name, beyond its line */
	while (take_joined(&content, &text->line)) {
		struct slice line = text_trim(buf_slice(&text->line));
		/* A text with a NUL byte is none of systemd's. */
		if (line.len == 0 || memchr(line.ptr, 0, line.len))
			continue;
		if (line.ptr[0] == '[' && line.ptr[line.len - 1] == ']') {
			buf_reset(&kept);
			buf_append(&kept, line.ptr + 1, line.len - 2);
			section = buf_slice(&kept);
			continue;
		}
		if (!text_split(line, '=', &key, &value))
			continue;
		key = text_trim(key);
		value = text_trim(value);
		if (slice_is(section, "Install"))
			add_install(text, key, value);
		else if (is_command(text->type, section, key))
			add_command(text, key, value);
	}
	buf_fini(&kept);
}
