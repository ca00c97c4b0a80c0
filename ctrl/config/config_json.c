/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_json.h"
#include "config_schema.h"
#include "config_value.h"
#include <string.h>

static json_t *value_to_json(const struct config_type *type, const void *value);

static json_t *number_to_json(const struct config_type *type, const void *value)
{
    uint64_t wide;
    uint32_t narrow;

    if (type->size == sizeof(narrow)) {
        memcpy(&narrow, value, sizeof(narrow));
        wide = narrow;
    } else {
        memcpy(&wide, value, sizeof(wide));
    }
    return json_integer((json_int_t)wide);
}

static json_t *list_to_json(const struct config_type *type, const void *value)
{
    json_t *array = json_array();
    struct config_items items;

    memcpy(&items, value, sizeof(items));
    for (uint32_t i = 0; i < items.count; i++) {
        const char *item = (const char *)items.items + i * type->element->size;

        if (json_array_append_new(array, value_to_json(type->element, item)) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *mapping_to_json(const struct config_type *type, const void *value)
{
    json_t *object = json_object();

    for (const struct config_field *field = type->fields; field->key != NULL; field++) {
        json_t *member =
            config_has(field, value) ? value_to_json(field->type, config_member(field, value)) : json_null();

        if (json_object_set_new(object, field->key, member) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *value_to_json(const struct config_type *type, const void *value)
{
    const struct config_as_step *step = value;
    char buffer[CONFIG_TEXT_MAX];

    switch (type->kind) {
    case KIND_BOOL:
        return json_boolean(*(const bool *)value);
    case KIND_NUMBER:
        return number_to_json(type, value);
    case KIND_AS_STEP:
        return step->is_set ? list_to_json(type->element, &step->asns) : json_integer(step->asns.items[0]);
    case KIND_LIST:
        return list_to_json(type, value);
    case KIND_MAPPING:
        return mapping_to_json(type, value);
    default:
        return json_string(config_value_format(type, value, buffer));
    }
}

json_t *config_to_json(const struct config *config)
{
    return mapping_to_json(&config_schema, config);
}
