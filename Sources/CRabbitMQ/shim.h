// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
//
// What Swift cannot import from librabbitmq (variadic functions, compound initialisers), as typed inline functions.
// The methods are sent with amqp_send_method, not with librabbitmq's calls that wait for the answer: those queue frames
// of their own and close the socket when they time out. Waiting is the Swift side's work.

#pragma once

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/prctl.h>
#include <sys/time.h>

#pragma clang assume_nonnull begin

/// The one channel a connection uses: librabbitmq 0.11 loses queued frames of other channels as soon as there are two.
static const amqp_channel_t CRMQ_CHANNEL = 1;

// Connection

static inline amqp_rpc_reply_t crmq_login_plain(
    amqp_connection_state_t state, const char *vhost, int frame_max, int heartbeat,
    const amqp_table_t *properties, const char *user, const char *password) {
  return amqp_login_with_properties(state, vhost, 1, frame_max, heartbeat, properties,
                                    AMQP_SASL_METHOD_PLAIN, user, password);
}

static inline amqp_rpc_reply_t crmq_login_external(
    amqp_connection_state_t state, const char *vhost, int frame_max, int heartbeat,
    const amqp_table_t *properties, const char *identity) {
  return amqp_login_with_properties(state, vhost, 1, frame_max, heartbeat, properties,
                                    AMQP_SASL_METHOD_EXTERNAL, identity);
}

static inline int crmq_socket_open(amqp_socket_t *socket, const char *host, int port, int64_t timeout_ms) {
  struct timeval timeout = {timeout_ms / 1000, (timeout_ms % 1000) * 1000};
  return amqp_socket_open_noblock(socket, host, port, &timeout);
}

static inline int crmq_set_timeouts(amqp_connection_state_t state, int64_t handshake_ms, int64_t rpc_ms) {
  struct timeval handshake = {handshake_ms / 1000, (handshake_ms % 1000) * 1000};
  struct timeval rpc = {rpc_ms / 1000, (rpc_ms % 1000) * 1000};
  int status = amqp_set_handshake_timeout(state, &handshake);
  return status == AMQP_STATUS_OK ? amqp_set_rpc_timeout(state, &rpc) : status;
}

/// TLS 1.2 at least, TLS 1.3 allowed (only "latest" leaves it on), peer and host verified, no pass phrase prompt:
/// OpenSSL would otherwise ask for it on the terminal.
static inline int crmq_tls_harden(amqp_socket_t *socket) {
  amqp_ssl_socket_set_verify_peer(socket, 1);
  amqp_ssl_socket_set_verify_hostname(socket, 1);
  amqp_ssl_socket_set_key_passwd(socket, "");
  return amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
}

/// The next frame that is there, without waiting; AMQP_STATUS_TIMEOUT when there is none.
static inline int crmq_next_frame(amqp_connection_state_t state, amqp_frame_t *frame) {
  struct timeval now = {0, 0};
  return amqp_simple_wait_frame_noblock(state, frame, &now);
}

static inline int crmq_send_heartbeat(amqp_connection_state_t state) {
  amqp_frame_t frame;
  frame.frame_type = AMQP_FRAME_HEARTBEAT;
  frame.channel = 0;
  return amqp_send_frame(state, &frame);
}

/// Unacknowledged bytes older than this end the TCP connection.
static inline int crmq_set_user_timeout(int fd, unsigned int milliseconds) {
  return setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof(milliseconds));
}

static inline int crmq_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

/// Names the calling thread, as top and gdb show it (15 bytes).
static inline int crmq_name_thread(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }

// Methods, sent without waiting for their answer

static inline int crmq_channel_open(amqp_connection_state_t state) {
  amqp_channel_open_t m = {.out_of_band = amqp_empty_bytes};
  return amqp_send_method(state, CRMQ_CHANNEL, AMQP_CHANNEL_OPEN_METHOD, &m);
}

static inline int crmq_channel_close(amqp_connection_state_t state, uint16_t code, amqp_bytes_t text) {
  amqp_channel_close_t m = {.reply_code = code, .reply_text = text};
  return amqp_send_method(state, CRMQ_CHANNEL, AMQP_CHANNEL_CLOSE_METHOD, &m);
}

static inline int crmq_channel_close_ok(amqp_connection_state_t state) {
  amqp_channel_close_ok_t m = {0};
  return amqp_send_method(state, CRMQ_CHANNEL, AMQP_CHANNEL_CLOSE_OK_METHOD, &m);
}

static inline int crmq_channel_flow_ok(amqp_connection_state_t state, amqp_boolean_t active) {
  amqp_channel_flow_ok_t m = {.active = active};
  return amqp_send_method(state, CRMQ_CHANNEL, AMQP_CHANNEL_FLOW_OK_METHOD, &m);
}

static inline int crmq_connection_close(amqp_connection_state_t state, uint16_t code, amqp_bytes_t text) {
  amqp_connection_close_t m = {.reply_code = code, .reply_text = text};
  return amqp_send_method(state, 0, AMQP_CONNECTION_CLOSE_METHOD, &m);
}

static inline int crmq_connection_close_ok(amqp_connection_state_t state) {
  amqp_connection_close_ok_t m = {0};
  return amqp_send_method(state, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &m);
}

static inline int crmq_exchange_declare(
    amqp_connection_state_t state, amqp_bytes_t exchange, amqp_bytes_t type, amqp_boolean_t passive,
    amqp_boolean_t durable, amqp_boolean_t auto_delete, amqp_boolean_t internal, amqp_table_t arguments) {
  amqp_exchange_declare_t m = {.exchange = exchange, .type = type, .passive = passive, .durable = durable,
                               .auto_delete = auto_delete, .internal = internal, .arguments = arguments};
  return amqp_send_method(state, CRMQ_CHANNEL, AMQP_EXCHANGE_DECLARE_METHOD, &m);
}

static inline int crmq_exchange_delete(amqp_connection_state_t state, amqp_bytes_t exchange, amqp_boolean_t if_unused) {
  amqp_exchange_delete_t m = {.exchange = exchange, .if_unused = if_unused};
  return amqp_send_method(state, CRMQ_CHANNEL, AMQP_EXCHANGE_DELETE_METHOD, &m);
}

static inline int crmq_queue_declare(
    amqp_connection_state_t state, amqp_bytes_t queue, amqp_boolean_t passive, amqp_boolean_t durable,
    amqp_boolean_t exclusive, amqp_boolean_t auto_delete, amqp_table_t arguments) {
  amqp_queue_declare_t m = {.queue = queue, .passive = passive, .durable = durable, .exclusive = exclusive,
                            .auto_delete = auto_delete, .arguments = arguments};
  return amqp_send_method(state, CRMQ_CHANNEL, AMQP_QUEUE_DECLARE_METHOD, &m);
}

static inline int crmq_queue_bind(
    amqp_connection_state_t state, amqp_bytes_t queue, amqp_bytes_t exchange, amqp_bytes_t routing_key,
    amqp_table_t arguments) {
  amqp_queue_bind_t m = {.queue = queue, .exchange = exchange, .routing_key = routing_key, .arguments = arguments};
  return amqp_send_method(state, CRMQ_CHANNEL, AMQP_QUEUE_BIND_METHOD, &m);
}

static inline int crmq_queue_unbind(
    amqp_connection_state_t state, amqp_bytes_t queue, amqp_bytes_t exchange, amqp_bytes_t routing_key,
    amqp_table_t arguments) {
  amqp_queue_unbind_t m = {.queue = queue, .exchange = exchange, .routing_key = routing_key, .arguments = arguments};
  return amqp_send_method(state, CRMQ_CHANNEL, AMQP_QUEUE_UNBIND_METHOD, &m);
}

static inline int crmq_queue_purge(amqp_connection_state_t state, amqp_bytes_t queue) {
  amqp_queue_purge_t m = {.queue = queue};
  return amqp_send_method(state, CRMQ_CHANNEL, AMQP_QUEUE_PURGE_METHOD, &m);
}

static inline int crmq_queue_delete(
    amqp_connection_state_t state, amqp_bytes_t queue, amqp_boolean_t if_unused, amqp_boolean_t if_empty) {
  amqp_queue_delete_t m = {.queue = queue, .if_unused = if_unused, .if_empty = if_empty};
  return amqp_send_method(state, CRMQ_CHANNEL, AMQP_QUEUE_DELETE_METHOD, &m);
}

/// Prefetch of the next consumer (global = false: quorum queues know nothing else).
static inline int crmq_basic_qos(amqp_connection_state_t state, uint16_t prefetch_count) {
  amqp_basic_qos_t m = {.prefetch_count = prefetch_count};
  return amqp_send_method(state, CRMQ_CHANNEL, AMQP_BASIC_QOS_METHOD, &m);
}

static inline int crmq_basic_consume(
    amqp_connection_state_t state, amqp_bytes_t queue, amqp_bytes_t consumer_tag, amqp_table_t arguments) {
  amqp_basic_consume_t m = {.queue = queue, .consumer_tag = consumer_tag, .arguments = arguments};
  return amqp_send_method(state, CRMQ_CHANNEL, AMQP_BASIC_CONSUME_METHOD, &m);
}

static inline int crmq_basic_cancel(amqp_connection_state_t state, amqp_bytes_t consumer_tag) {
  amqp_basic_cancel_t m = {.consumer_tag = consumer_tag};
  return amqp_send_method(state, CRMQ_CHANNEL, AMQP_BASIC_CANCEL_METHOD, &m);
}

static inline int crmq_basic_cancel_ok(amqp_connection_state_t state, amqp_bytes_t consumer_tag) {
  amqp_basic_cancel_ok_t m = {.consumer_tag = consumer_tag};
  return amqp_send_method(state, CRMQ_CHANNEL, AMQP_BASIC_CANCEL_OK_METHOD, &m);
}

static inline int crmq_basic_get(amqp_connection_state_t state, amqp_bytes_t queue) {
  amqp_basic_get_t m = {.queue = queue};
  return amqp_send_method(state, CRMQ_CHANNEL, AMQP_BASIC_GET_METHOD, &m);
}

static inline int crmq_confirm_select(amqp_connection_state_t state) {
  amqp_confirm_select_t m = {0};
  return amqp_send_method(state, CRMQ_CHANNEL, AMQP_CONFIRM_SELECT_METHOD, &m);
}

#pragma clang assume_nonnull end
