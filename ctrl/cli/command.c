/* SPDX-License-Identifier: BSD-3-Clause */
#include "command.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int no_memory(struct error *error)
{
    return error_set(error, -ENOMEM, "out of memory");
}

/* How many leading words of `words` are those of the verb; *own is how many the verb has. */
static size_t words_in_common(const struct verb *verb, char *const *words, size_t count, size_t *own)
{
    const char *rest = verb->words;
    size_t common = 0;

    for (*own = 0; *rest != '\0'; (*own)++) {
        size_t length = strcspn(rest, " ");

        if (common == *own && *own < count && strlen(words[*own]) == length &&
            strncmp(words[*own], rest, length) == 0) {
            common++;
        }
        rest += length + (rest[length] == ' ');
    }
    return common;
}

const struct verb *verb_find(char *const *words, size_t count, size_t *used)
{
    const struct verb *found = NULL;

    *used = 0;
    for (size_t i = 0; i < verb_count; i++) {
        size_t own;

        if (words_in_common(&verbs[i], words, count, &own) == own && own > *used) {
            found = &verbs[i];
            *used = own;
        }
    }
    return found;
}

/* A number that ends at *end; NULL if there is none, or it does not fit. */
static json_t *number_read(const char *text, const char **end)
{
    char *after;
    long long value;

    if (!isdigit((unsigned char)text[0])) {
        return NULL;
    }
    errno = 0;
    value = strtoll(text, &after, 10);
    *end = after;
    return errno == 0 ? json_integer(value) : NULL;
}

static json_t *whole_number_read(const char *text)
{
    const char *end;
    json_t *number = number_read(text, &end);

    if (number != NULL && *end != '\0') {
        json_decref(number);
        return NULL;
    }
    return number;
}

static json_t *list_read(const char *text)
{
    json_t *list = json_array();

    for (;;) {
        size_t length = strcspn(text, ",");

        if (length == 0 || json_array_append_new(list, json_stringn(text, length)) != 0) {
            json_decref(list);
            return NULL;
        }
        if (text[length] == '\0') {
            return list;
        }
        text += length + 1;
    }
}

static json_t *addresses_read(const char *text)
{
    return strchr(text, ',') != NULL ? list_read(text) : json_string(text);
}

/* Numbers between spaces or commas; a set of them in braces. */
static json_t *as_path_read(const char *text)
{
    json_t *path = json_array();
    json_t *set = NULL; /* the open one; borrowed from the path */

    for (text += strspn(text, " ,"); *text != '\0'; text += strspn(text, " ,")) {
        if (*text == '{' && set == NULL) {
            set = json_array();
            text++;
            if (json_array_append_new(path, set) != 0) {
                goto refuse;
            }
        } else if (*text == '}' && set != NULL) {
            set = NULL;
            text++;
        } else if (json_array_append_new(set != NULL ? set : path, number_read(text, &text)) != 0) {
            goto refuse;
        }
    }
    if (set == NULL) {
        return path;
    }
refuse:
    json_decref(path);
    return NULL;
}

static json_t *json_read(const char *text)
{
    return strcmp(text, "-") == 0 ? json_loadf(stdin, 0, NULL) : json_loads(text, JSON_DECODE_ANY, NULL);
}

static const struct {
    json_t *(*read)(const char *text);
    const char *what;
} kinds[] = {
    [ARGUMENT_TEXT] = {json_string, "must be UTF-8"},
    [ARGUMENT_NUMBER] = {whole_number_read, "must be a number"},
    [ARGUMENT_LIST] = {list_read, "must be a list like A,B"},
    [ARGUMENT_ADDRESSES] = {addresses_read, "must be an address, or two like A,B"},
    [ARGUMENT_AS_PATH] = {as_path_read, "must be an AS path like \"65001 65010\""},
    [ARGUMENT_JSON] = {json_read, "must be JSON"},
};

static const char *shown_name(const struct argument *argument)
{
    return argument->keyword != NULL ? argument->keyword : argument->shown;
}

/* Puts a value, whose reference it takes, where the key says, making the object in "object.key". */
static int put(json_t *params, const char *key, json_t *value)
{
    const char *dot = strchr(key, '.');
    char outer[32];
    json_t *object;

    if (dot == NULL) {
        return json_object_set_new(params, key, value);
    }
    snprintf(outer, sizeof(outer), "%.*s", (int)(dot - key), key);
    object = json_object_get(params, outer);
    if (object == NULL) {
        object = json_object();
        if (json_object_set_new(params, outer, object) != 0) {
            json_decref(value);
            return -1;
        }
    }
    return json_object_set_new(object, dot + 1, value);
}

static int argument_read(const struct argument *argument, const char *word, json_t *params, struct error *error)
{
    json_t *value = kinds[argument->kind].read(word);

    if (value == NULL) {
        return error_set(error, -EINVAL, "%s %s, not \"%.100s\"", shown_name(argument), kinds[argument->kind].what,
                         word);
    }
    return put(params, argument->key, value) == 0 ? 0 : no_memory(error);
}

static const struct argument *keyword_find(const struct verb *verb, const char *word)
{
    for (const struct argument *argument = verb->arguments; argument->kind != ARGUMENT_NONE; argument++) {
        if (argument->keyword != NULL && strcmp(argument->keyword, word) == 0) {
            return argument;
        }
    }
    return NULL;
}

/* Reads all words into params, and marks in *given which arguments there were. */
static int arguments_read(const struct verb *verb, char *const *words, size_t count, json_t *params,
                          unsigned int *given, struct error *error)
{
    const struct argument *by_place = verb->arguments;

    for (size_t i = 0; i < count; i++) {
        const struct argument *argument =
            by_place->kind != ARGUMENT_NONE && by_place->keyword == NULL ? by_place++ : keyword_find(verb, words[i]);
        int result;

        if (argument == NULL) {
            return error_set(error, -EINVAL, "\"%.100s\" is not expected here", words[i]);
        }
        if ((*given & 1U << (argument - verb->arguments)) != 0) {
            return error_set(error, -EINVAL, "%s is there twice", shown_name(argument));
        }
        *given |= 1U << (argument - verb->arguments);
        if (argument->keyword != NULL && ++i == count) {
            return error_set(error, -EINVAL, "%s needs a value: %s", argument->keyword, argument->shown);
        }
        result = argument_read(argument, words[i], params, error);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

static int check_required(const struct verb *verb, unsigned int given, struct error *error)
{
    for (const struct argument *argument = verb->arguments; argument->kind != ARGUMENT_NONE; argument++) {
        if (argument->required && (given & 1U << (argument - verb->arguments)) == 0) {
            return error_set(error, -EINVAL, "%s is missing", shown_name(argument));
        }
    }
    return 0;
}

/* Splits what `call` has read into the method and its parameters. */
static void read_call(const char *method_word, const char **method, json_t **params)
{
    json_t *own = json_incref(json_object_get(*params, "params"));

    *method = method_word;
    json_decref(*params);
    *params = own;
}

int verb_read(const struct verb *verb, char *const *words, size_t count, const char **method, json_t **params,
              struct error *error)
{
    json_t *object = verb->fixed != NULL ? json_loads(verb->fixed, 0, NULL) : json_object();
    unsigned int given = 0;
    int result;

    if (object == NULL) {
        return no_memory(error);
    }
    result = arguments_read(verb, words, count, object, &given, error);
    if (result == 0) {
        result = check_required(verb, given, error);
    }
    if (result != 0) {
        json_decref(object);
        return result;
    }
    if (verb->list != NULL) {
        object = json_pack("{s:[o]}", verb->list, object);
        if (object == NULL) {
            return no_memory(error);
        }
    }
    *method = verb->method;
    *params = object;
    if (verb->method == NULL) {
        read_call(words[0], method, params);
    }
    return 0;
}
