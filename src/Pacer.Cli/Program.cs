Console.WriteLine("pacer");
return 0;
