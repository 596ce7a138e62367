#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"

static char* text;
static size_t used, room;
static bool comma;

static void put(const char* bytes, size_t length) {
  if (used + length > room) {
    room = (used + length) * 2;
    text = realloc(text, room);
    if (!text) abort();
  }
  memcpy(text + used, bytes, length);
  used += length;
}

// Bytes outside ASCII are written as the character of the same number, so that no byte is lost.
static void put_quoted(const char* value, size_t length) {
  put("\"", 1);
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)value[i];
    char escape[8];
    if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
      put(&value[i], 1);
    else
      put(escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", c));
  }
  put("\"", 1);
}

static void start(const char* key) {
  if (comma) put(",", 1);
  comma = true;
  if (!key) return;
  put_quoted(key, strlen(key));
  put(":", 1);
}

void json_open(const char* key, char bracket) {
  start(key);
  put(&bracket, 1);
  comma = false;
}

void json_close(char bracket) {
  put(&bracket, 1);
  comma = true;
}

void json_bytes(const char* key, const char* value, size_t length) {
  start(key);
  put_quoted(value, length);
}

void json_string(const char* key, const char* value) {
  if (value)
    json_bytes(key, value, strlen(value));
  else
    json_null(key);
}

void json_number(const char* key, long long value) {
  char digits[24];
  start(key);
  put(digits, (size_t)snprintf(digits, sizeof digits, "%lld", value));
}

void json_bool(const char* key, bool value) {
  start(key);
  put(value ? "true" : "false", value ? 4 : 5);
}

void json_null(const char* key) {
  start(key);
  put("null", 4);
}

void json_printf(const char* key, const char* format, ...) {
  char value[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(value, sizeof value, format, arguments);
  va_end(arguments);
  json_string(key, value);
}

void json_flush(void) {
  put("\n", 1);
  for (size_t done = 0; done < used;) {
    ssize_t written = write(STDOUT_FILENO, text + done, used - done);
    if (written < 0) _exit(1);
    done += (size_t)written;
  }
}
