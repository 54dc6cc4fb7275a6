/* The root that the builder compiled in. */
#include "base/cleanup.h"
#include "trust/root_internal.h"

__asm__(".pushsection .rodata.embedded_root, \"a\"\n"
	"embedded_root_begin:\n"
	"	.incbin \"" EMBEDDED_ROOT "\"\n"
	"embedded_root_end:\n"
	"	.byte 0\n"
	".popsection\n");

extern const uint8_t embedded_root_begin[] __attribute__((visibility("hidden")));
extern const uint8_t embedded_root_end[] __attribute__((visibility("hidden")));

struct bytes trust_root_embedded_text(void)
{
	return bytes_make(embedded_root_begin, (size_t)(embedded_root_end - embedded_root_begin));
}

int trust_root_embedded(struct trust_root **ret_root, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;

	if (trust_root_parse(trust_root_embedded_text(), &root, err) < 0 ||
		trust_root_signed_by(root, root, err) < 0)
		return err_context(err, "the root in this program");
	root->is_demo = trust_root_embedded_is_demo();
	*ret_root = STEAL(root);
	return 0;
}

bool trust_root_embedded_is_demo(void)
{
	return EMBEDDED_ROOT_IS_DEMO;
}
