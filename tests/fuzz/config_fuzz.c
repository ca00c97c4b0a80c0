/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config_parse() takes any bytes: either it says why not, or the configuration survives the way through JSON and equals
 * itself. Seeds: config_corpus.
 */
#include "config.h"
#include "config_compare.h"
#include "config_json.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds) {
        abort();
    }
}

static void round_trip(const struct config *config)
{
    json_t *json = config_to_json(config);
    struct config *back = NULL;
    struct error error;
    char *text;

    check(json != NULL);
    text = json_dumps(json, 0);
    check(text != NULL && config_parse(text, strlen(text), "json", &back, &error) == 0);
    check(config_equal(config, back));
    config_free(back);
    free(text);
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *config = NULL;
    struct error error;

    if (config_parse((const char *)data, size, "fuzz", &config, &error) != 0) {
        check(config == NULL && error.text[0] != '\0');
        return 0;
    }
    round_trip(config);
    config_free(config);
    return 0;
}
