using System.Globalization;
using Pacer.Core.Scheduling.Constraints;
using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.Apps.Validation;

/// <summary>marathon-model.md §9.4.</summary>
internal static class ConstraintRules
{
    public static void Validate(List<List<string>>? constraints, string path, ErrorCollector errors)
    {
        for (var i = 0; i < constraints?.Count; i++)
        {
            if (Error(constraints[i]) is { } error)
            {
                errors.Add($"{path}({i})", error);
            }
        }
    }

    private static string? Error(List<string> constraint)
    {
        if (constraint.Count is not (2 or 3))
        {
            return "Each constraint must have either 2 or 3 fields";
        }
        if (constraint[0].Length == 0)
        {
            return "missing field for constraint declaration";
        }
        var value = constraint.Count == 3 ? constraint[2] : null;
        return constraint[1] switch
        {
            "UNIQUE" when value is not null => "UNIQUE does not accept a value",
            "GROUP_BY" when value is not null && !IsCount(value) => "GROUP_BY was specified but its value is not a positive integer",
            "MAX_PER" when value is null || !IsCount(value) => "MAX_PER requires a positive integer value",
            "LIKE" or "UNLIKE" when value is null => $"{constraint[1]} requires a value: a regular expression",
            "LIKE" or "UNLIKE" when !IsPattern(value) => $"'{value}' is not a valid regular expression",
            "IS" when value is null || !value.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '/' or '.' or '-') =>
                "IS requires a value of letters, digits and _ / . -",
            "UNIQUE" or "CLUSTER" or "GROUP_BY" or "MAX_PER" or "LIKE" or "UNLIKE" or "IS" => null,
            _ => $"operator must be one of {string.Join(", ", EnumTexts.ConstraintOperators)}",
        };
    }

    private static bool IsCount(string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0;

    // The core matches with the same.
    private static bool IsPattern(string value) => ConstraintPattern.Compile(value) is not null;
}
