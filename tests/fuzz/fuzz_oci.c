/* The documents of an OCI layout: read within their limits, and what is read is what it says. */
#include "base/cleanup.h"
#include "kit/oci.h"
#include "tests/fuzz/target.h"

static void check_descriptors(const struct oci_descriptor *descriptors, size_t count)
{
	HOLDS(count <= OCI_DESCRIPTORS_MAX);
	for (size_t i = 0; i < count; i++) {
		HOLDS(descriptors[i].size >= 0 && descriptors[i].reference != NULL);
		HOLDS(*descriptors[i].media_type != '\0');
		HOLDS(!descriptors[i].has_platform || *descriptors[i].platform.os != '\0');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct bytes text = bytes_make(data, size);
	struct oci_list list;
	struct oci_manifest manifest;
	struct oci_platform platform;
	size_t layers;
	struct err err;

	int as_layout = oci_layout_parse(text, &err);
	HOLDS(as_layout == 0 || err_exit_code(err.code) == 3);
	int as_index = oci_index_parse(text, &arena, &list, &err);
	HOLDS(as_index == 0 || err_exit_code(err.code) == 3);
	if (as_index == 0)
		check_descriptors(list.descriptors, list.count);
	int as_manifest = oci_manifest_parse(text, &arena, &manifest, &err);
	HOLDS(as_manifest == 0 || err_exit_code(err.code) == 3);
	if (as_manifest == 0) {
		check_descriptors(manifest.layers, manifest.layer_count);
		check_descriptors(&manifest.config, 1);
	}
	/* Nobody may read it as the one, and somebody else as the other. */
	HOLDS(as_index < 0 || as_manifest < 0);
	int as_config = oci_config_parse(text, &arena, &platform, &layers, &err);
	HOLDS(as_config == 0 || err_exit_code(err.code) == 3);
	HOLDS(as_config < 0 || (*platform.os != '\0' && layers <= OCI_DESCRIPTORS_MAX));
	return 0;
}
