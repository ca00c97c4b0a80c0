/* SPDX-License-Identifier: BSD-3-Clause */
#include "api_stream.h"
#include "api_client.h"
#include <errno.h>

int api_stream_open(struct api_call *call, struct api_stream *stream)
{
    struct api_client *client = call->peer->client;

    if (client == NULL) {
        return api_fail(call, API_ERR_REQUEST, "only over a connection, which there is not here");
    }
    stream->client = client;
    LIST_INSERT_HEAD(&client->streams, stream, link);
    return 0;
}

void api_stream_close(struct api_stream *stream)
{
    struct api_client *client = stream->client;

    if (client != NULL) {
        stream->client = NULL;
        LIST_REMOVE(stream, link);
        api_client_wake(client); /* it may have stayed for its streams alone */
    }
}

size_t api_stream_waiting(const struct api_stream *stream)
{
    return stream->client != NULL ? byte_queue_length(&stream->client->told) : 0;
}

bool api_stream_has_room(const struct api_stream *stream)
{
    const struct api_client *client = stream->client;
    size_t max = stream->max > API_STREAM_MAX ? stream->max : API_STREAM_MAX;
    size_t waiting = client != NULL ? byte_queue_length(&client->told) : 0;

    if (client == NULL || waiting >= max) {
        return false;
    }
    return waiting < API_STREAM_MAX || client->clients->told < API_STREAM_TOTAL;
}

int api_stream_send(struct api_stream *stream, const char *method, json_t *params)
{
    struct api_client *client = stream->client;
    size_t before = client != NULL ? byte_queue_length(&client->told) : 0;
    int result = -EAGAIN;

    if (api_stream_has_room(stream)) {
        result = params != NULL ? jsonrpc_notify(&client->told, method, params) : -ENOMEM;
    }
    json_decref(params);
    if (result == 0) {
        client->clients->told += byte_queue_length(&client->told) - before;
        api_client_wake(client);
    }
    return result;
}
