#include "tui/screen.h"

#include <locale.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <term.h>

/* term.h makes macros of words that the grid uses. */
#undef columns
#undef lines

#include "tui/model.h"

struct screen {
	SCREEN *terminal;
	bool color;
};

bool screen_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *value = getenv(names[i]);
		if (value == NULL || value[0] == '\0')
			continue;
		const char *charset = strchr(value, '.');
		return charset != NULL && (strncasecmp(charset + 1, "UTF-8", 5) == 0 ||
						  strncasecmp(charset + 1, "utf8", 4) == 0);
	}
	return false;
}

enum { TERMINAL_NAME_MAX = 64 };

static bool is_known(const char *name)
{
	int status = 0;

	if (strcmp(name, "dumb") == 0 || setupterm(name, STDOUT_FILENO, &status) != OK)
		return false;
	bool moves = cursor_address != NULL;
	(void)del_curterm(cur_term);
	return moves;
}

/*
 * The name that is known here: TERM's own, or what it is a variant of by the convention of its
 * names: xterm-kitty is an xterm, screen.linux a screen.
 */
static bool known_name(char name[static TERMINAL_NAME_MAX])
{
	const char *term = getenv("TERM");

	if (term == NULL || term[0] == '\0' || strlen(term) >= TERMINAL_NAME_MAX)
		return false;
	(void)strcpy(name, term);
	while (!is_known(name)) {
		size_t end = strlen(name);
		while (end > 0 && name[end] != '-' && name[end] != '.')
			end--;
		if (end == 0)
			return false;
		name[end] = '\0';
	}
	return true;
}

bool screen_possible(void)
{
	char name[TERMINAL_NAME_MAX];

	return known_name(name);
}

static const struct {
	attr_t attributes;
	short foreground; /* -1: the terminal's own */
} looks[] = {
	[LOOK_PLAIN] = {A_NORMAL, -1},
	[LOOK_DIM] = {A_DIM, -1},
	[LOOK_BOLD] = {A_BOLD, -1},
	[LOOK_ACCENT] = {A_BOLD, COLOR_CYAN},
	[LOOK_FAILED] = {A_BOLD, COLOR_RED},
	[LOOK_NOTICE] = {A_BOLD, COLOR_YELLOW},
};

static void prepare_colors(struct screen *screen)
{
	if (!screen->color || !has_colors() || start_color() != OK) {
		screen->color = false;
		return;
	}
	(void)use_default_colors();
	for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++)
		(void)init_pair((short)(i + 1), looks[i].foreground, -1);
}

int screen_open(bool color, struct screen **ret_screen, struct err *err)
{
	char name[TERMINAL_NAME_MAX];

	/* The wide library asks the locale how to write characters; the one that the environment
	 * names need not be installed. */
	(void)setlocale(LC_CTYPE, screen_utf8() ? "C.UTF-8" : "C");
	if (!known_name(name))
		return err_set(err, ERR_NO_TERMINAL, "TERM names no terminal that is known here");
	struct screen *screen = calloc(1, sizeof *screen);
	if (screen == NULL)
		return err_no_memory(err);
	/* A window changes its size; LINES and COLUMNS of the environment do not. Without the
	 * environment at all (use_env) a terminal whose description has no size cannot be set up.
	 */
	(void)unsetenv("LINES");
	(void)unsetenv("COLUMNS");
	screen->terminal = newterm(name, stdout, stdin);
	if (screen->terminal == NULL) {
		free(screen);
		return err_set(err, ERR_NO_TERMINAL, "the terminal cannot be set up");
	}
	screen->color = color;
	(void)cbreak();
	(void)noecho();
	(void)nonl();
	(void)keypad(stdscr, TRUE);
	(void)nodelay(stdscr, TRUE);
	(void)set_escdelay(50);
	(void)curs_set(0);
	prepare_colors(screen);
	*ret_screen = screen;
	return 0;
}

void screen_size(const struct screen *screen, int *ret_columns, int *ret_rows)
{
	struct winsize size;

	(void)screen;
	/* Asked here and not by the library, whose build finds no such call with every libc. A
	 * serial line says 0x0: then it is what the terminal's description says. */
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0 &&
		(size.ws_row != LINES || size.ws_col != COLS))
		(void)resizeterm(size.ws_row, size.ws_col);
	*ret_columns = COLS < GRID_COLUMNS_MAX ? COLS : GRID_COLUMNS_MAX;
	*ret_rows = LINES < GRID_ROWS_MAX ? LINES : GRID_ROWS_MAX;
}

static void draw_cell(const struct screen *screen, int row, int column, const struct cell *cell)
{
	wchar_t wide[CCHARW_MAX + 1] = {0};
	cchar_t character;
	mbstate_t state = {0};
	const char *text = cell->text;

	if (cell->text[0] == '\0')
		return; /* behind a wide character */
	if (mbsrtowcs(wide, &text, CCHARW_MAX, &state) == (size_t)-1)
		return;
	short pair =
		screen->color && looks[cell->look].foreground >= 0 ? (short)(cell->look + 1) : 0;
	if (setcchar(&character, wide, looks[cell->look].attributes, pair, NULL) == OK)
		(void)mvadd_wch(row, column, &character);
}

void screen_draw(struct screen *screen, const struct grid *grid)
{
	(void)erase();
	for (int row = 0; row < grid->rows && row < LINES; row++)
		for (int column = 0; column < grid->columns && column < COLS; column++)
			draw_cell(screen, row, column, &grid->cells[row * grid->columns + column]);
	(void)refresh();
}

static uint32_t translate(wint_t key, bool function)
{
	static const struct {
		wint_t curses;
		uint32_t key;
	} keys[] = {
		{KEY_UP, MODEL_KEY_UP},
		{KEY_DOWN, MODEL_KEY_DOWN},
		{KEY_PPAGE, MODEL_KEY_PAGE_UP},
		{KEY_NPAGE, MODEL_KEY_PAGE_DOWN},
		{KEY_ENTER, MODEL_KEY_ENTER},
		{KEY_BACKSPACE, MODEL_KEY_ERASE},
	};

	if (!function)
		return (uint32_t)key;
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (keys[i].curses == key)
			return keys[i].key;
	return MODEL_KEY_NONE;
}

int screen_key(struct screen *screen, int fd, int milliseconds, uint32_t *ret_key, struct err *err)
{
	struct pollfd polled[2] = {
		{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
	wint_t key = 0;

	(void)screen;
	int status = get_wch(&key);
	if (status == ERR) {
		int ready = poll(polled, fd >= 0 ? 2 : 1, milliseconds);
		status = get_wch(&key);
		/* Readable without a key, and not for a signal: the end of the terminal. */
		if (ready > 0 && status == ERR &&
			(polled[0].revents & (POLLHUP | POLLERR | POLLNVAL)))
			return err_set(err, ERR_NO_TERMINAL, "the terminal went away");
	}
	*ret_key = status == ERR ? MODEL_KEY_NONE : translate(key, status == KEY_CODE_YES);
	return 0;
}

void screen_forget_keys(struct screen *screen)
{
	(void)screen;
	(void)flushinp();
}

void screen_close(struct screen *screen)
{
	if (screen == NULL)
		return;
	(void)endwin();
	delscreen(screen->terminal);
	free(screen);
}
