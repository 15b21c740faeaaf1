#include "collector/http/reply.h"

/* Long enough to count as speed: clients take less than a byte a second for silence. */
#define COMMENT ": no news, and the collector is still here to say so\n\n"

static const char *status_text(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 413:
		return "Content Too Large";
	case 503:
		return "Service Unavailable";
	default:
		return "Internal Server Error";
	}
}

/* `length` is that of the content when it is known, otherwise negative. */
static void append_head(
        struct reply *reply, const struct http_response *response, int64_t length, struct buf *out)
{
	reply->is_chunked = length < 0 && !reply->is_old;
	reply->closes |= length < 0 && reply->is_old;
	reply->has_head_gone = true;
	buf_printf(out,
	        "HTTP/1.1 %d %s\r\ncontent-type: %s\r\ncache-control: no-store\r\n"
	        "x-content-type-options: nosniff\r\n",
	        response->status, status_text(response->status), response->content_type);
	if (response->status == 401)
		buf_append_text(out, "www-authenticate: Bearer\r\n");
	if (length >= 0)
		buf_printf(out, "content-length: %lld\r\n", (long long)length);
	if (reply->is_chunked)
		buf_append_text(out, "transfer-encoding: chunked\r\n");
	if (reply->closes)
		buf_append_text(out, "connection: close\r\n");
	else if (reply->is_old)
		buf_append_text(out, "connection: keep-alive\r\n");
	buf_append_text(out, "\r\n");
}

static size_t body_left(const struct reply *reply, const struct http_response *response)
{
	return response->body.len - reply->body_gone;
}

static void take_body(struct reply *reply, struct http_response *response, struct buf *piece)
{
	size_t len = body_left(reply, response);

	if (len > REPLY_PIECE_BYTES)
		len = REPLY_PIECE_BYTES;
	if (len > 0)
		buf_append(piece, response->body.data + reply->body_gone, len);
	reply->body_gone += len;
}

static enum http_more take_piece(
        struct reply *reply, struct http_response *response, struct buf *piece)
{
	enum http_more more = HTTP_END;

	take_body(reply, response, piece);
	if (body_left(reply, response) > 0)
		return HTTP_MORE;
	if (response->produce && piece->len < REPLY_PIECE_BYTES) {
		more = response->produce(response->ctx, piece);
		if (more == HTTP_END)
			response->produce = NULL;
		/* It may have found that it has to fail. */
		take_body(reply, response, piece);
	}
	return response->produce && more == HTTP_END ? HTTP_MORE : more;
}

/* The length of all content, if this first piece shows it. */
static int64_t known_length(const struct reply *reply, const struct http_response *response,
        const struct buf *piece, enum http_more more)
{
	if (more == HTTP_END)
		return (int64_t)piece->len;
	if (!response->produce)
		return (int64_t)(piece->len + body_left(reply, response));
	return -1;
}

enum http_more reply_next(
        struct reply *reply, struct http_response *response, bool comment_due, struct buf *out)
{
	struct buf piece = BUF_INIT;
	enum http_more more = take_piece(reply, response, &piece);

	if (piece.len == 0 && more == HTTP_WAIT && comment_due && reply->has_head_gone)
		buf_append_text(&piece, COMMENT);
	if (!reply->has_head_gone && (piece.len > 0 || more == HTTP_END))
		append_head(reply, response, known_length(reply, response, &piece, more), out);
	if (reply->is_head) {
		buf_fini(&piece);
		return HTTP_END;
	}
	if (reply->is_chunked && piece.len > 0)
		buf_printf(out, "%zx\r\n", piece.len);
	if (piece.len > 0)
		buf_append(out, piece.data, piece.len);
	if (reply->is_chunked && piece.len > 0)
		buf_append_text(out, "\r\n");
	if (reply->is_chunked && more == HTTP_END)
		buf_append_text(out, "0\r\n\r\n");
	buf_fini(&piece);
	return more;
}
