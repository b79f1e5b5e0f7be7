package game;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * JSON, read strictly: two parsers that disagree about one body are how money is lost. A key that is given twice,
 * bytes that are not UTF-8, a byte order mark and deep nesting are Refused.
 *
 * Values are Map, List, String, Long (whole numbers that fit), Double (all others), Boolean and null.
 */
final class Json {
    private static final int DEPTH_MAX = 64;
    private static final Pattern NUMBER = Pattern.compile("-?(?:0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?");

    private final String text;
    private final Matcher number;
    private int at;

    private Json(String text) {
        this.text = text;
        this.number = NUMBER.matcher(text);
    }

    /** The JSON object that these bytes spell. */
    static Map<String, Object> parseObject(byte[] utf8) {
        try {
            return parseObject(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString());
        } catch (CharacterCodingException error) {
            throw new Refused("field-invalid", "not UTF-8");
        }
    }

    /** The JSON object that this text spells. */
    @SuppressWarnings("unchecked")
    static Map<String, Object> parseObject(String text) {
        var reader = new Json(text);
        Object value = reader.value(0);
        reader.skipSpace();
        if (reader.at != text.length() || !(value instanceof Map)) {
            throw invalid("not one JSON object");
        }
        return (Map<String, Object>) value;
    }

    private Object value(int depth) {
        if (depth > DEPTH_MAX) {
            throw invalid("nested too deep");
        }
        skipSpace();
        return switch (peek()) {
            case '{' -> object(depth);
            case '[' -> array(depth);
            case '"' -> string();
            case 't' -> word("true", true);
            case 'f' -> word("false", false);
            case 'n' -> word("null", null);
            default -> number();
        };
    }

    private Map<String, Object> object(int depth) {
        Map<String, Object> members = new LinkedHashMap<>();
        at++;
        if (closes('}')) {
            return members;
        }
        do {
            skipSpace();
            String name = string();
            skipSpace();
            expect(':');
            Object value = value(depth + 1);
            if (members.containsKey(name)) {
                throw invalid("a key is given twice");
            }
            members.put(name, value);
        } while (continues('}'));
        return members;
    }

    private List<Object> array(int depth) {
        List<Object> items = new ArrayList<>();
        at++;
        if (closes(']')) {
            return items;
        }
        do {
            items.add(value(depth + 1));
        } while (continues(']'));
        return items;
    }

    private boolean closes(char end) {
        skipSpace();
        boolean closed = peek() == end;
        at += closed ? 1 : 0;
        return closed;
    }

    private boolean continues(char end) {
        if (closes(end)) {
            return false;
        }
        expect(',');
        return true;
    }

    private String string() {
        expect('"');
        var out = new StringBuilder();
        while (true) {
            char next = take();
            if (next == '"') {
                return out.toString();
            }
            if (next < ' ') {
                throw invalid("a control character in a string");
            }
            out.append(next == '\\' ? escaped() : next);
        }
    }

    private char escaped() {
        char name = take();
        return switch (name) {
            case '"', '\\', '/' -> name;
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'u' -> codeUnit();
            default -> throw invalid("an unknown escape");
        };
    }

    private char codeUnit() {
        int unit = 0;
        for (int digits = 0; digits < 4; digits++) {
            char digit = take();
            int worth = digit < 128 ? Character.digit(digit, 16) : -1;
            if (worth < 0) {
                throw invalid("an unfinished \\u escape");
            }
            unit = unit * 16 + worth;
        }
        return (char) unit;
    }

    private Object number() {
        if (!number.region(at, text.length()).lookingAt()) {
            throw invalid("no JSON value");
        }
        at = number.end();
        if (number.group(1) == null && number.group(2) == null) {
            try {
                return Long.valueOf(number.group());
            } catch (NumberFormatException tooLong) {
                // falls through: as a Double it is no id, no time and no count to anybody
            }
        }
        return Double.valueOf(number.group());
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) {
            throw invalid("no JSON value");
        }
        at += word.length();
        return value;
    }

    private void skipSpace() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private char peek() {
        return at < text.length() ? text.charAt(at) : '\0';
    }

    private char take() {
        if (at >= text.length()) {
            throw invalid("it ends too early");
        }
        return text.charAt(at++);
    }

    private void expect(char wanted) {
        if (take() != wanted) {
            throw invalid("no " + wanted + " where one is needed");
        }
    }

    private static Refused invalid(String why) {
        return new Refused("field-invalid", "not JSON: " + why);
    }

    /** Compact JSON of maps, iterables, strings, numbers, booleans and null. */
    static String write(Object value) {
        var out = new StringBuilder();
        write(value, out);
        return out.toString();
    }

    private static void write(Object value, StringBuilder out) {
        if (value instanceof Map<?, ?> members) {
            String comma = "{";
            for (var member : members.entrySet()) {
                quote((String) member.getKey(), out.append(comma));
                write(member.getValue(), out.append(':'));
                comma = ",";
            }
            out.append(members.isEmpty() ? "{}" : "}");
        } else if (value instanceof Iterable<?> items) {
            out.append('[');
            String comma = "";
            for (Object item : items) {
                write(item, out.append(comma));
                comma = ",";
            }
            out.append(']');
        } else if (value instanceof String string) {
            quote(string, out);
        } else {
            out.append(value);
        }
    }

    private static void quote(String string, StringBuilder out) {
        out.append('"');
        for (char unit : string.toCharArray()) {
            if (unit < ' ' || unit == '"' || unit == '\\' || Character.isSurrogate(unit)) {
                out.append(String.format("\\u%04x", (int) unit)); // also half a surrogate pair, which UTF-8 cannot hold
            } else {
                out.append(unit);
            }
        }
        out.append('"');
    }
}
