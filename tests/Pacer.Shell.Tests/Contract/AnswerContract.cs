using System.Text.Json;
using System.Text.RegularExpressions;
using Pacer.Server.Api.Json;
using Pacer.Server.Api.OpenApi;

namespace Pacer.Shell.Tests.Contract;

/// <summary>Holds real answers against the tables that the API's document is made of.</summary>
internal static class AnswerContract
{
    private static readonly List<(Operation Operation, Regex Path)> Paths =
        [.. Operations.All.Select(operation => (operation, ToRegex(operation.Path))).OrderByDescending(pair => Literals(pair.operation.Path))];

    /// <summary>The operation that a request asks for; null when none is described.</summary>
    public static Operation? Find(string method, string path)
    {
        path = path.Split('?')[0];
        method = method == "HEAD" ? "GET" : method; // the same, without the body
        return Paths.FirstOrDefault(pair => pair.Operation.Method == method && pair.Path.IsMatch(path)).Operation;
    }

    /// <summary>What is wrong with an answer; empty when it is as described.</summary>
    public static IReadOnlyList<string> Problems(string method, string path, int status, JsonElement? body)
    {
        if (Find(method, path) is not { } operation)
        {
            return status is 404 or 405 ? [] : [$"{method} {path} is not described"];
        }
        var answer = operation.Answers.FirstOrDefault(candidate => candidate.Status == status);
        if (answer is null && status < 400)
        {
            return [$"{method} {path}: status {status} is not described"];
        }
        var shape = answer is null ? AnswerShapes.Error : answer.Body;
        if (shape is null || body is null)
        {
            return [];
        }
        var walk = new SchemaWalk();
        walk.Check(body.Value, shape);
        var problems = new List<string>();
        problems.AddRange(walk.Errors.Select(error => $"{method} {path}: {error.Path} {string.Join(", ", error.Errors!)} {error.Message}"));
        problems.AddRange(walk.Warnings.Where(warning => warning.StartsWith("unknown", StringComparison.Ordinal)).Select(warning => $"{method} {path}: {warning}"));
        FindNulls(body.Value, shape, "", problems);
        return problems;
    }

    private static void FindNulls(JsonElement value, Shape shape, string at, List<string> problems)
    {
        switch (shape)
        {
            case Shape.Record record when value.ValueKind == JsonValueKind.Object:
                foreach (var member in value.EnumerateObject())
                {
                    if (record.ByName.TryGetValue(member.Name, out var field))
                    {
                        if (member.Value.ValueKind == JsonValueKind.Null && !field.Nullable)
                        {
                            problems.Add($"{at}/{member.Name} is null");
                        }
                        FindNulls(member.Value, field.Shape, $"{at}/{member.Name}", problems);
                    }
                }
                break;
            case Shape.List list when value.ValueKind == JsonValueKind.Array:
                foreach (var item in value.EnumerateArray())
                {
                    FindNulls(item, list.Item, at + "()", problems);
                }
                break;
        }
    }

    // Ids hold slashes; the other names in a path are one segment each.
    private static Regex ToRegex(string path) => new(
        "^" + Regex.Replace(Regex.Escape(path).Replace("\\*", "\\*", StringComparison.Ordinal), @"\\{(\w+)}", match =>
            match.Groups[1].Value is "id" or "group" ? "/*.+" : "[^/]+") + "/*$",
        RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);

    private static int Literals(string path) => path.Split('/').Count(segment => !segment.StartsWith('{') || !segment.EndsWith('}'));
}
