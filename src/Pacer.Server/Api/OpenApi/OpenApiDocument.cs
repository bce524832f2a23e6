using System.Buffers;
using System.Collections;
using System.Text.Encodings.Web;
using System.Text.Json;
using Pacer.Server.Api.Json;
using Pacer.Server.Hosting;

namespace Pacer.Server.Api.OpenApi;

/// <summary>The API as an OpenAPI 3.1 document, made from the operations and from the tables that requests are checked with.</summary>
internal sealed class OpenApiDocument
{
    private readonly SortedDictionary<string, Shape.Record> _records = new(StringComparer.Ordinal);
    private readonly Utf8JsonWriter _json;

    private OpenApiDocument(Utf8JsonWriter json) => _json = json;

    public static ReadOnlyMemory<byte> Json { get; } = Write();

    private static ReadOnlyMemory<byte> Write()
    {
        var buffer = new ArrayBufferWriter<byte>(128 * 1024);
        using var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        new OpenApiDocument(json).WriteDocument();
        json.Flush();
        return buffer.WrittenMemory;
    }

    private void WriteDocument()
    {
        _json.WriteStartObject();
        _json.WriteString("openapi", "3.1.0");
        _json.WriteStartObject("info");
        _json.WriteString("title", "Pacer");
        _json.WriteString("version", ServerIdentity.Version);
        _json.WriteString("description", "Marathon's v2 API. Ids hold slashes and stand in paths as they are: /v2/apps/group/app.");
        _json.WriteStartObject("license");
        _json.WriteString("name", "Apache-2.0");
        _json.WriteString("identifier", "Apache-2.0");
        _json.WriteEndObject();
        _json.WriteEndObject();
        _json.WriteStartObject("paths");
        foreach (var path in Operations.All.GroupBy(operation => operation.Path, StringComparer.Ordinal))
        {
            _json.WriteStartObject(path.Key);
            foreach (var operation in path)
            {
                _json.WritePropertyName(operation.Method.ToLowerInvariant());
                WriteOperation(operation);
            }
            _json.WriteEndObject();
        }
        _json.WriteEndObject();
        WriteComponents();
        _json.WriteEndObject();
    }

    private void WriteOperation(Operation operation)
    {
        _json.WriteStartObject();
        _json.WriteStartArray("tags");
        _json.WriteStringValue(operation.Tag);
        _json.WriteEndArray();
        _json.WriteString("summary", operation.Summary);
        if (operation.Note is { } note)
        {
            _json.WriteString("description", note);
        }
        WriteParameters(operation);
        if (operation.Body is { } body)
        {
            _json.WriteStartObject("requestBody");
            _json.WriteBoolean("required", !operation.BodyIsOptional);
            WriteContent("application/json", body);
            _json.WriteEndObject();
        }
        _json.WriteStartObject("responses");
        foreach (var answer in operation.Answers)
        {
            _json.WriteStartObject(answer.Status.ToString(System.Globalization.CultureInfo.InvariantCulture));
            _json.WriteString("description", answer.Note);
            if (answer.Body is not null || answer.MediaType is not null)
            {
                WriteContent(answer.MediaType ?? "application/json", answer.Body);
            }
            _json.WriteEndObject();
        }
        _json.WriteStartObject("default");
        _json.WriteString("description", "Refused: what is wrong, and where.");
        WriteContent("application/json", AnswerShapes.Error);
        _json.WriteEndObject();
        _json.WriteEndObject();
        _json.WriteEndObject();
    }

    private void WriteParameters(Operation operation)
    {
        var names = PathNames(operation.Path).ToList();
        if (names.Count + operation.Query.Length == 0)
        {
            return;
        }
        _json.WriteStartArray("parameters");
        foreach (var name in names)
        {
            _json.WriteStartObject();
            _json.WriteString("name", name);
            _json.WriteString("in", "path");
            _json.WriteBoolean("required", true);
            _json.WritePropertyName("schema");
            WriteShape(new Shape.Text());
            _json.WriteEndObject();
        }
        foreach (var parameter in operation.Query)
        {
            _json.WriteStartObject();
            _json.WriteString("name", parameter.Name);
            _json.WriteString("in", "query");
            _json.WriteString("description", parameter.Note);
            _json.WriteBoolean("required", parameter.Required);
            _json.WritePropertyName("schema");
            WriteShape(parameter.Repeats ? new Shape.List(parameter.Shape) : parameter.Shape, () => WriteDefault(parameter.Default));
            _json.WriteEndObject();
        }
        _json.WriteEndArray();
    }

    private void WriteContent(string mediaType, Shape? shape)
    {
        _json.WriteStartObject("content");
        _json.WriteStartObject(mediaType);
        if (shape is not null)
        {
            _json.WritePropertyName("schema");
            WriteShape(shape);
        }
        _json.WriteEndObject();
        _json.WriteEndObject();
    }

    // Writing a record may bring up others, so this goes on until no new one has come up.
    private void WriteComponents()
    {
        _json.WriteStartObject("components");
        _json.WriteStartObject("schemas");
        var written = new HashSet<string>(StringComparer.Ordinal);
        while (_records.Keys.FirstOrDefault(name => !written.Contains(name)) is { } next)
        {
            written.Add(next);
            _json.WritePropertyName(next);
            WriteRecord(_records[next]);
        }
        _json.WriteEndObject();
        _json.WriteEndObject();
    }

    private void WriteRecord(Shape.Record record)
    {
        _json.WriteStartObject();
        _json.WriteString("type", "object");
        _json.WriteStartObject("properties");
        foreach (var field in record.Fields)
        {
            _json.WritePropertyName(field.Name);
            if (field.Nullable)
            {
                _json.WriteStartObject();
                _json.WriteStartArray("anyOf");
                WriteShape(field.Shape);
                _json.WriteStartObject();
                _json.WriteString("type", "null");
                _json.WriteEndObject();
                _json.WriteEndArray();
                _json.WriteEndObject();
                continue;
            }
            WriteShape(field.Shape, () =>
            {
                WriteDefault(field.Default);
                if (field.Deprecated is not null)
                {
                    _json.WriteBoolean("deprecated", true);
                }
                if (field.ReadOnly)
                {
                    _json.WriteBoolean("readOnly", true);
                }
                if ((field.Note ?? field.Deprecated) is { } note)
                {
                    _json.WriteString("description", field.Note is null ? $"Deprecated: {note}." : note);
                }
            });
        }
        _json.WriteEndObject();
        if (record.Fields.Any(field => field.Required))
        {
            _json.WriteStartArray("required");
            foreach (var field in record.Fields.Where(field => field.Required))
            {
                _json.WriteStringValue(field.Name);
            }
            _json.WriteEndArray();
        }
        _json.WriteEndObject();
    }

    private void WriteShape(Shape shape, Action? more = null)
    {
        _json.WriteStartObject();
        switch (shape)
        {
            case Shape.Text text:
                WriteText(text);
                break;
            case Shape.Whole whole:
                _json.WriteString("type", "integer");
                WriteBound("minimum", whole.Min, long.MinValue);
                WriteBound("maximum", whole.Max, long.MaxValue);
                break;
            case Shape.Number number:
                _json.WriteString("type", "number");
                WriteBound("minimum", number.Min, double.MinValue);
                WriteBound("maximum", number.Max, double.MaxValue);
                break;
            case Shape.Flag:
                _json.WriteString("type", "boolean");
                break;
            case Shape.List list:
                _json.WriteString("type", "array");
                WriteBound("minItems", list.Min, 0);
                WriteBound("maxItems", list.Max, int.MaxValue);
                _json.WritePropertyName("items");
                WriteShape(list.Item);
                break;
            case Shape.Map map:
                _json.WriteString("type", "object");
                _json.WritePropertyName("additionalProperties");
                WriteShape(map.Value);
                break;
            case Shape.Record record:
                _records[record.Name] = record;
                _json.WriteString("$ref", $"#/components/schemas/{record.Name}");
                break;
            case Shape.Either either:
                _json.WriteStartArray("anyOf");
                foreach (var option in (Shape?[])[either.WhenText, either.WhenNumber, either.WhenRecord])
                {
                    if (option is not null)
                    {
                        WriteShape(option);
                    }
                }
                _json.WriteEndArray();
                break;
        }
        more?.Invoke();
        _json.WriteEndObject();
    }

    private void WriteText(Shape.Text text)
    {
        _json.WriteString("type", "string");
        WriteBound("minLength", text.Min, 0);
        WriteBound("maxLength", text.Max, int.MaxValue);
        if (text.Format is { } format)
        {
            _json.WriteString("format", format);
        }
        if (text.Pattern is { } pattern)
        {
            _json.WriteString("pattern", pattern.Regex);
        }
        if (text.Values is { } values)
        {
            _json.WriteStartArray("enum");
            foreach (var value in values)
            {
                _json.WriteStringValue(value);
            }
            _json.WriteEndArray();
        }
    }

    private void WriteBound(string name, double value, double none)
    {
        if (value != none)
        {
            _json.WriteNumber(name, value);
        }
    }

    private void WriteDefault(object? value)
    {
        if (value is not null)
        {
            _json.WritePropertyName("default");
            WriteLiteral(value);
        }
    }

    private void WriteLiteral(object value)
    {
        switch (value)
        {
            case string text:
                _json.WriteStringValue(text);
                break;
            case bool flag:
                _json.WriteBooleanValue(flag);
                break;
            case int whole:
                _json.WriteNumberValue(whole);
                break;
            case double number:
                _json.WriteNumberValue(number);
                break;
            case IEnumerable list:
                _json.WriteStartArray();
                foreach (var item in list)
                {
                    WriteLiteral(item);
                }
                _json.WriteEndArray();
                break;
            default:
                throw new InvalidOperationException($"a default can't be a {value.GetType()}");
        }
    }

    internal static IEnumerable<string> PathNames(string path)
    {
        for (var open = path.IndexOf('{', StringComparison.Ordinal); open >= 0; open = path.IndexOf('{', open + 1))
        {
            yield return path[(open + 1)..path.IndexOf('}', open)];
        }
    }
}
